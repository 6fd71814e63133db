"""A study: its files, read and checked into frozen types."""

from cycle_analysis.study.loading import (
    HOME,
    Study,
    check_raw_files,
    check_study_name,
    check_unlisted_waves,
    find_home,
    gather_study,
    load_study,
)
