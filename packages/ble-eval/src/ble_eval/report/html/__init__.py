"""The report: one HTML file with the statistics and the flights of agents, which needs no network.

Python computes and packs (`page_data`, `flight_codec`) and puts the file together (`page`). The browser draws:
page.html is the skeleton, style.css the look, and the scripts are the program.
"""
