import ble_train


def test_the_package_imports_without_the_evaluation():
    assert ble_train.__version__ == "0.1.0"
