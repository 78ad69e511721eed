"""Estimators: pure functions of arrays that return frozen results. Where to find each by its name in the field:

========================================================  ==============================================
Kaplan-Meier curve, Nelson-Aalen                          `survival.kaplan_meier`, `nelson_aalen`
log-rank and Fleming-Harrington tests, stratified         `survival.logrank`
restricted mean survival time                             `survival.rmst`
mean cumulative count (recurrent events)                  `survival.mean_cumulative_count`
Cox model, cox.zph, concordance, baseline, residuals      `cox.cox` and its fit
Aalen-Johansen (cumulative incidence), Gray's test        `competing.cumulative_incidence`, `gray_test`
Fine-Gray model                                           `competing.fine_gray`
adjusted (weighted, standardised) survival and incidence  `adjusted.adjusted_survival`, `adjusted_incidence`
parametric survival (Weibull, log-normal, ...)            `parametric.accelerated_failure_time`
linear, logistic, Poisson, negative binomial regression   `linear.linear`, `binary.logistic`, `counts.poisson`,
                                                          `counts.negative_binomial`
fixed-effects Poisson, interrupted time series            `counts.fixed_effects_poisson`, `interrupted_time_series`
marginal standardisation (g-computation)                  `binary.standardised_risk`, `counts.standardised_rate`
doubly robust estimation (AIPW)                           `binary.aipw`
quantile regression, censored (Portnoy)                   `durations.quantile_regression`
difference-in-differences (Callaway-Sant'Anna)            `did.group_time_effects`
propensity score weights, entropy balancing               `weights.propensity_weights`, `entropy_weights`
matching, balance, overlap, effective sample size         `weights.match`, `balance`, `overlap_by_area`,
                                                          `effective_sample_size`
cluster and wild bootstrap, Rubin's rules                 `resample.cluster_bootstrap`, `wild_cluster_bootstrap`, `pool`
Holm, Benjamini-Hochberg                                  `resample.adjust_p`
E-value, tipping point, negative controls                 `sensitivity.e_value`, `tipping_point`, `negative_controls`
cluster-robust errors (HC, CR1, CR2)                      `small_sample=` and `cluster=` of every fit; `sandwich`
uprating, discounting, scenarios, probabilistic analysis, `costs.uprate`, `discount`, `scenarios`, `probabilistic`,
tornado, acceptability                                    `tornado`, `acceptability`
funnel limits, variation between sites                    `funnel.funnel_limits`, `site_variation`
========================================================  ==============================================
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Load a module of estimators when it is first asked for, so that `import ldeval.stats` stays light."""
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
