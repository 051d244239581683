"""Inference beyond closed formulas: resampling, adjustment for covariates, many models at once, power.

Every function is pure and takes arrays with one entry, or one row, a template. Random numbers come from a
seed that is part of the call, so the same data give the same report.
"""
