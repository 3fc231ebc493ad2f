"""Vega-Lite specs and the tables for them, one file a subject."""
