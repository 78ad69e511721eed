"""The data room: sources, the synthetic twin, linkage, cohort and features."""
