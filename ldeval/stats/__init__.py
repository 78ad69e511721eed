"""Estimators: pure functions of arrays that return frozen results."""
