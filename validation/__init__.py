"""Studies that prove the estimators against worlds with known truth."""
