"""The equations of docs/concepts/physics.md, computed as they stand there, agree with the modules."""

import math
import re

import jax.numpy as jnp
import numpy as np
import pytest
from pages import ROOT

from ble_sim import Vehicle, constants, precision_scope
from ble_sim.balloon.altitude_control import ascend, compressor_curves, descend
from ble_sim.balloon.envelope import pressure_ratio, system_mass, volume_and_superpressure
from ble_sim.balloon.equilibrium import floating_balloon
from ble_sim.balloon.power import charged_battery, full_sun_power, power_flow, solar_power
from ble_sim.balloon.thermal import STEFAN_BOLTZMANN, heat_exchange, temperature_rate
from ble_sim.flight import initial_state, stride
from ble_sim.scenario import make_params, sample_scenario
from ble_sim.sky import atmosphere as air
from ble_sim.sky.geodesy import position
from ble_sim.sky.sun import Sun, attenuation, sun_at
from ble_sim.state import Balloon
from ble_sim.wind.fields.layers import SimpleStaticWindField
from ble_sim.wind.forecast_error import add_measurement, empty_wind_gp, predict
from ble_sim.wind.noise import _HARMONICS, sample_wind_noise, wind_noise
from ble_sim.wind.simplex import noise4

PAGE = (ROOT / "docs" / "concepts" / "physics.md").read_text(encoding="utf-8")

# The table of symbols.
g, R, M, M_HE = 9.80665, 8.3144621, 0.028964922481160, 0.004002602
R_AIR = R / M
SIGMA = 5.6704e-8
N_HE, V0, STRETCH = 6830.0, 1804.0, 0.0199
C_D, M_ENVELOPE, M_PAYLOAD = 0.25, 68.5, 92.5
VEHICLE = Vehicle()


@pytest.fixture(autouse=True)
def _float64():
    with precision_scope("float64"):
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def same(ours, page, rtol=1e-9, atol=0.0):
    np.testing.assert_allclose(np.asarray(ours, np.float64), page, rtol=rtol, atol=atol)


def test_the_numbers_of_the_page_are_those_of_the_code():
    assert (g, R, M, M_HE) == (
        constants.GRAVITY,
        constants.GAS_CONSTANT,
        constants.AIR_MOLAR_MASS,
        constants.HELIUM_MOLAR_MASS,
    )
    assert SIGMA == STEFAN_BOLTZMANN
    row = re.search(r"\| power \$W\$ \[W\] \| (.*) \|", PAGE)
    assert row is not None
    assert tuple(float(word) for word in row[1].split(" | ")) == VEHICLE.compressor.powers
    for name, table in (("low", air.LAPSE_RATES_LOW), ("high", air.LAPSE_RATES_HIGH)):
        row = re.search(rf"\| \$L_{{{name}}}\$ \[K/km\] \| (.*) \|", PAGE)
        assert row is not None
        same(1000 * table, [float(word) for word in row[1].split(" | ")])


def page_air(h: float, alpha: float) -> tuple[float, float]:
    """Temperature and pressure at a height."""
    low = np.array([-7.0, 6.0, 1.0, 2.8, 0, -2.8, -2.0]) / 1000
    high = np.array([-5.8, 5.0, 1.0, 2.8, 0, -2.8, -2.0]) / 1000
    bases = [-610.0, 17e3, 21e3, 32e3, 47e3, 51e3, 71e3, 85e3]
    T, p = 300.0, 108870.8213
    for L, base, top in zip((1 - alpha) * low + alpha * high, bases, bases[1:], strict=False):
        rise = min(h, top) - base
        at_top = T + L * rise
        p *= (at_top / T) ** (-g / (R_AIR * L)) if L != 0 else math.exp(-g * rise / (R_AIR * T))
        T = at_top
        if h <= top:
            break
    return T, p


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_atmosphere(alpha):
    ours = air.make_atmosphere(jnp.asarray(alpha))
    for h in (0.0, 12e3, 17e3, 18.5e3, 25e3, 40e3, 49e3, 60e3):
        T, p = page_air(h, alpha)
        same(air.pressure_at_height(ours, jnp.asarray(h)), p)
        same(air.temperature_at_pressure(ours, jnp.asarray(p)), T)
        same(air.height_at_pressure(ours, jnp.asarray(p)), h, atol=1e-4)


def page_position(phi_0, lambda_0, x, y):
    a, theta = np.hypot(x, y) / 6371e3, np.arctan2(x, y)
    phi_0 = np.radians(phi_0)
    sin_phi = np.cos(a) * np.sin(phi_0) + np.sin(a) * np.cos(phi_0) * np.cos(theta)
    turn = np.arctan2(np.sin(a) * np.cos(phi_0) * np.sin(theta), np.cos(a) - np.sin(phi_0) * sin_phi)
    return np.degrees(np.arcsin(sin_phi)), lambda_0 + np.degrees(turn)


def test_position(rng):
    phi_0, lambda_0 = rng.uniform(-10, 10, 100), rng.uniform(-170, 170, 100)
    x, y = rng.uniform(-5e5, 5e5, (2, 100))
    for ours, page in zip(position(phi_0, lambda_0, x, y), page_position(phi_0, lambda_0, x, y), strict=True):
        same(ours, page)


def test_vertical_motion_and_the_position_of_a_stride():
    field = SimpleStaticWindField()
    scenario = sample_scenario(field, make_params(field), np.array([0, 7], np.uint32))
    balloon = initial_state(field, scenario).balloon
    wind, sun = jnp.asarray([3.0, -2.0]), Sun(jnp.asarray(30.0), jnp.asarray(1366.0))
    curves = compressor_curves(VEHICLE.compressor, jnp.float64)
    for mols in (-40.0, 25.0):
        moved = lopsided(balloon, mols)
        after = stride(scenario, curves, moved, sun, jnp.asarray(800.0), wind)
        rho = moved.pressure / (R_AIR * moved.ambient_temperature)
        m = M_HE * N_HE + M * moved.mols_air + M_ENVELOPE + M_PAYLOAD
        same(system_mass(VEHICLE, moved.mols_air), m)
        net = float(rho * moved.volume - m)
        w = np.sign(net) * np.sqrt(2 * abs(net) * g / (rho * C_D * moved.volume ** (2 / 3)))
        p = float(moved.pressure)
        h0, h1 = (air.height_at_pressure(scenario.atmosphere, jnp.asarray(q)) for q in (p, p + np.sign(net)))
        same(after.pressure, p + np.sign(net) / (h1 - h0) * w * 10, rtol=1e-7)
        same((after.x - moved.x, after.y - moved.y), (30.0, -20.0))


def lopsided(balloon: Balloon, mols: float) -> Balloon:
    """The balloon with other air in its ballonet, out of balance."""
    return Balloon(**{**vars(balloon), "mols_air": balloon.mols_air + mols})


def page_envelope(n, T, p):
    V_u = (N_HE + n) * R * T / p
    b, c = STRETCH * p - V0, -STRETCH * p * V_u
    V = np.where(V_u <= V0, V_u, (-b + np.sqrt(b**2 - 4 * c)) / 2)
    return V, np.where(V_u <= V0, 0.0, p * V_u / V - p)


def test_envelope(rng):
    n, T, p = rng.uniform(0, 5000, 200), rng.uniform(190, 240, 200), rng.uniform(5000, 14000, 200)
    ours, page = volume_and_superpressure(VEHICLE, n, T, p), page_envelope(n, T, p)
    assert 0 < np.count_nonzero(page[1] == 0) < 200
    for one, other in zip(ours, page, strict=True):
        same(one, other, atol=1e-7)
    V, P = page
    full = P > 0
    same(V[full], V0 + STRETCH * P[full])
    same(pressure_ratio(p, P), (p + P) / p)


def test_compressor_and_valve():
    curves = compressor_curves(VEHICLE.compressor, jnp.float64)
    table = np.array(VEHICLE.compressor.efficiencies)
    for r in np.linspace(0.99, 1.4, 83):
        W = np.interp(r, VEHICLE.compressor.power_ratios, VEHICLE.compressor.powers)
        by_power = [np.interp(r, VEHICLE.compressor.efficiency_ratios, column) for column in table.T]
        eta = np.interp(W, VEHICLE.compressor.efficiency_powers, by_power)
        power, flow = descend(curves, jnp.asarray(r))
        same(power, W)
        same(flow, eta * W / 3600, atol=1e-15)
    P, p, T = 1500.0, 9000.0, 215.0
    flow = -0.62 * np.pi * 0.04**2 / 4 * np.sqrt(2 * P * (p + P) * M / (R * T))
    same(ascend(VEHICLE, jnp.asarray(P), jnp.asarray(p), jnp.asarray(T)), flow)


def page_heat(V, T_a, p, S_tau, infrared, T):
    def t(a):
        return a * (1 + (1 - a - 0.0291) / (1 - 0.0291))

    def a_ir(T):
        return 0.04587 + 0.000232 * (T - 210)

    r_s = (3 * V / (4 * np.pi)) ** (1 / 3)
    A, T_e, d = 4 * np.pi * r_s**2, (infrared / SIGMA) ** 0.25, 2 * r_s
    mu, k, Pr = 1.458e-6 * T_a**1.5 / (T_a + 110.4), 0.0241 * (T_a / 273.15) ** 0.9, 0.804 - 3.25e-4 * T_a
    Ra = Pr * g * d**3 * np.abs(T_a - T) / (T_a * (mu * R_AIR * T_a / p) ** 2)
    k_c = k / d * (2 + 0.457 * Ra**0.25 + (1 + 2.69e-8 * Ra) ** (1 / 12))
    q = A * 0.25 * t(0.01435) * S_tau + A * 0.4605 * t(a_ir(T_e)) * infrared + A * k_c * (T_a - T)
    return (q - A * t(a_ir(T)) * SIGMA * T**4) / (M_ENVELOPE * 1500)


def test_heat(rng):
    V, T_a, p = rng.uniform(1700, 1850, 200), rng.uniform(190, 230, 200), rng.uniform(5000, 14000, 200)
    S_tau, infrared, T = rng.uniform(0, 1366, 200), rng.uniform(225, 315, 200), rng.uniform(190, 250, 200)
    ours = temperature_rate(heat_exchange(VEHICLE, V, T_a, p, S_tau, infrared), T)
    same(ours, page_heat(V, T_a, p, S_tau, infrared, T), rtol=1e-8, atol=1e-12)


def page_sun(phi, lam, time):
    C = ((time - 946684800) / 86400 - 0.5) / 36525
    sin, cos = (lambda d: np.sin(np.radians(d))), (lambda d: np.cos(np.radians(d)))
    L_0 = 280.46646 + 36000.76983 * C + 0.0003032 * C**2
    m_0 = 357.52911 + 35999.05029 * C - 0.0001537 * C**2
    eps = 0.016708634 - 0.000042037 * C - 0.0000001267 * C**2
    omega = 125.04 - 1934.136 * C
    i = 23 + (26 + (21.448 - 46.815 * C - 0.00059 * C**2 + 0.001813 * C**3) / 60) / 60 + 0.00256 * cos(omega)
    y = np.tan(np.radians(i / 2)) ** 2
    E = 4 * 180 / np.pi * (
        y * sin(2 * L_0) - 2 * eps * sin(m_0) + 4 * eps * y * sin(m_0) * cos(2 * L_0)
        - y**2 / 2 * sin(4 * L_0) - 5 / 4 * eps**2 * sin(2 * m_0)
    )  # fmt: skip
    H = 360 * (time % 86400) / 86400 + E / 4 + lam - 180
    c_0 = (
        (1.914602 - 0.004817 * C - 0.000014 * C**2) * sin(m_0)
        + (0.019993 - 0.000101 * C) * sin(2 * m_0)
        + 0.000289 * sin(3 * m_0)
    )
    delta = np.degrees(np.arcsin(sin(i) * sin(L_0 + c_0 - 0.00569 + 0.00478 * sin(omega))))
    e_0 = np.degrees(np.arcsin(sin(phi) * sin(delta) + cos(phi) * cos(delta) * cos(H)))
    cot = 1 / np.tan(np.radians(e_0))
    refraction = np.select(
        [e_0 > 85, e_0 > 5, e_0 > -0.575],
        [
            0.0,
            58.1 * cot - 0.07 * cot**3 + 0.000086 * cot**5,
            1735 - 518.2 * e_0 + 103.4 * e_0**2 - 12.79 * e_0**3 + 0.711 * e_0**4,
        ],
        -20.772 * cot,
    )
    S = 1366 * (1 + ((1 + eps) ** 2 / (1 - eps) ** 2 - 1) / 2 * cos(m_0))
    return e_0 + refraction / 3600, S


def test_sun(rng):
    phi, lam = rng.uniform(-12, 12, 2000), rng.uniform(-175, 175, 2000)
    time = rng.integers(1293840000, 1293840000 + 126144000, 2000)
    ours = sun_at(phi, lam, jnp.asarray(time, jnp.int32))
    e, S = page_sun(phi, lam, time)
    same(ours.elevation, e, rtol=0, atol=1e-6)
    same(ours.flux, S)


def page_tau(e, p):
    s = 614 * np.sin(np.radians(e))
    mass = 0.34764 * p / 101325 * (np.sqrt(1229 + s**2) - s)
    return np.where(e >= -4.242, 0.5 * (np.exp(-0.65 * mass) + np.exp(-0.95 * mass)), 0.0)


def page_panels(e):
    def s(d):
        return np.where(np.radians(e) >= np.arctan2(np.sqrt(d * (10.41603 + d)), 8.69275), 0.4392, 1.0)

    return 210 * (4 * np.cos(np.radians(e - 35)) * s(3.3) + 2 * np.cos(np.radians(e - 65)) * s(2.7))


def test_sunlight_and_power(rng):
    e, p = rng.uniform(-8, 90, 500), rng.uniform(5000, 14000, 500)
    same(attenuation(e, p), page_tau(e, p))
    same(full_sun_power(VEHICLE, jnp.asarray(e)), page_panels(e))
    same(solar_power(VEHICLE, jnp.asarray(e), p), page_tau(e, p) * page_panels(e))
    charging, load = power_flow(VEHICLE, e, page_panels(e), 200.0)
    same(load, np.where(e > -4.242, 120.4, 183.7) + 200.0)
    assert np.all((np.asarray(charging) == 0) == (e <= -4.242))
    same(charged_battery(VEHICLE, 1000.0, -300.0, 10.0), 1000 - 300 * 10 / 3600)
    same(charged_battery(VEHICLE, 3058.5, 900.0, 10.0), 3058.56)


def test_equilibrium():
    p, T_a, S_tau, infrared = jnp.asarray(9000.0), jnp.asarray(205.0), jnp.asarray(900.0), jnp.asarray(300.0)
    floating = floating_balloon(VEHICLE, p, T_a, S_tau, infrared)
    empty = M_HE * N_HE + M_ENVELOPE + M_PAYLOAD
    same(floating.mols_air, max(0, p * V0 / (R * T_a) - empty / M))
    assert abs(page_heat(V0, 205.0, 9000.0, 900.0, 300.0, float(floating.internal_temperature))) < 1e-5
    V, P = page_envelope(floating.mols_air, floating.internal_temperature, p)
    same((floating.volume, floating.superpressure), (V, P), rtol=1e-8)


def test_wind(rng):
    noise = sample_wind_noise(np.array([3, 4], np.uint32))
    x, y, p, seconds = 21e3, -84e3, 8800.0, 17 * 3600.0
    page = []
    for component, harmonics in enumerate(_HARMONICS):
        w, scales = harmonics[:, 0], harmonics[:, 1:]
        point = np.array([x / 1000, y / 1000, p, seconds / 3600])
        at = point / scales + np.asarray(noise.offsets[component])
        N = [float(noise4(noise.permutations[component, i], *at[i])) for i in range(5)]
        page.append(np.sqrt(1.02 / 0.0569) * (w @ N) / np.sqrt(w.sum() * (w @ w)))
    same(wind_noise(noise, jnp.asarray(x), jnp.asarray(y), jnp.asarray(p), jnp.asarray(seconds)), page)


def test_what_is_believed_about_the_wind(rng):
    count = 20
    points = rng.uniform([-5e4, -5e4, 7000, 0], [5e4, 5e4, 9000, 20000], (count, 4))
    y = rng.normal(size=(count, 2))
    gp = empty_wind_gp()
    for point, error in zip(points, y, strict=True):
        gp = add_measurement(gp, *(jnp.asarray(number) for number in point), jnp.asarray(error))

    def covariance(a, b):
        scales = np.array([357e3, 357e3, 326.0, 34560.0])
        return 12.96 * np.exp(-np.linalg.norm((a[:, None] - b[None]) / scales, axis=-1))

    pressures = np.linspace(7000, 9000, 11)
    q = np.stack([np.full(11, 1e4), np.full(11, -2e4), pressures, np.full(11, 21000.0)], axis=-1)
    weights = covariance(q, points) @ np.linalg.inv(covariance(points, points) + 0.05 * np.eye(count))
    mean, uncertainty = predict(gp, jnp.asarray(1e4), jnp.asarray(-2e4), pressures, jnp.asarray(21000))
    same(mean, weights @ y, rtol=1e-7, atol=1e-9)
    same(uncertainty, 1 - np.sum(weights * covariance(q, points), axis=-1) / 12.96, rtol=1e-7)
