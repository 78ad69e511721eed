"""The reference cases: for every family of estimators our value, R's, and that of the best Python peer."""
