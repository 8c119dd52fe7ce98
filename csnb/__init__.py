"""csnb tells which dissatisfaction a customer-service team could have prevented.

The public names in the order in which data move: exports -> book -> sessions -> results ->
findings -> report. The prefix tells what a function gives: `import_` and `open_` a book's parts,
`measure_`/`compare_` results, `count_`/`find_`/`list_` tables and findings, `plot_` a figure,
`show_` displays, `run_` writes files. `help(csnb.measure)` explains each with an example, in which `book` is
an open book: `book = csnb.open_book("data/books/shop")` of the README.
"""

from importlib import import_module

_HOMES = {
    "csnb.strings": ["set_language", "get_language", "text"],
    "csnb.sources": ["import_export"],
    "csnb.layouts": ["list_layouts"],
    "csnb.build": ["build_book", "build_partition"],
    "csnb.book": ["open_book", "select_sessions"],
    "csnb.contents": ["check_book", "book_table", "data_hash", "count_table_rows", "list_rulepacks"],
    "csnb.reasons": ["code_sessions"],
    "csnb.coding": ["code_file"],
    "csnb.metrics": ["list_metrics"],
    "csnb.measures": ["measure", "compare_periods", "compare_groups", "agent_grouping"],
    "csnb.conversion": ["add_conversion"],
    "csnb.refunds": ["add_refunds", "measure_refunds"],
    "csnb.windows": [
        "find_periods", "find_weeks", "label_periods", "keep_periods", "list_periods", "list_calendar",
        "without_event_days", "find_bursts",
    ],
    "csnb.signals": ["measure_control", "find_breaks"],
    "csnb.quality": [
        "count_rows", "count_left_out", "measure_known", "find_silent_days", "reconcile", "list_limits",
        "count_unjoined_ratings",
    ],
    "csnb.satisfaction": [
        "dissatisfied_sessions", "suspected_sessions", "largest_platform", "measure_scores", "measure_funnel",
        "measure_slices", "say_unsliced", "count_sides", "count_reasons", "list_quotes",
    ],
    "csnb.labelling": ["sample_labels"],
    "csnb.sheets": ["sheet_paths", "write_sheets"],
    "csnb.filled": ["import_labels"],
    "csnb.labeller": ["show_labeller"],
    "csnb.audit": [
        "select_labels", "machine_labels", "measure_agreement", "measure_accuracy", "measure_drift", "measure_gap", "list_disputes",
    ],
    "csnb.label_plan": ["count_labels", "plan_margins", "plan_strata"],
    "csnb.rule_codes": ["rule_labels"],
    "csnb.trust": ["judge_labels", "find_label_verdict", "cap_grades"],
    "csnb.label_findings": ["find_label_issues"],
    "csnb.shares": [
        "scored_sessions", "measure_sides", "measure_controllable", "measure_domains", "list_readings", "with_base", "measure_labelling_need",
    ],
    "csnb.bounds": ["measure_response_bias"],
    "csnb.openings": ["add_openings"],
    "csnb.recovery": ["find_levers", "measure_recoverable", "measure_levers", "list_recoverable"],
    "csnb.lever_checks": [
        "list_lever_checks", "compare_estimates", "list_overlap", "measure_negative_controls",
    ],
    "csnb.recovery_findings": ["find_recoverable"],
    "csnb.owners": [
        "assign_owners", "coded_owners", "count_owners", "measure_owners", "measure_duties", "owned_sessions",
        "measure_owner_figures", "list_asks", "list_owner_quotes", "keep_owner",
    ],
    "csnb.reason_shares": ["measure_reasons", "measure_ceilings", "with_counts", "as_amounts"],
    "csnb.owner_trends": ["measure_owner_weeks", "compare_owner_halves"],
    "csnb.owner_findings": ["find_owner_issues", "find_owner_brief"],
    "csnb.satisfaction_findings": ["find_satisfaction_issues", "find_handovers", "find_certainty"],
    "csnb.findings": [
        "Finding", "find_data_issues", "find_response_issues",
    ],
    "csnb.pulse": ["measure_core", "measure_weeks", "find_pulse_issues"],
    "csnb.alerts": ["measure_alerts", "list_reading", "list_transcripts"],
    "csnb.changes": ["measure_changes", "measure_residual", "split_mix", "split_traffic", "trace_changes", "keep_steps", "find_change_issues"],
    "csnb.pulls": ["measure_pulls", "measure_reason_pulls"],
    "csnb.casemix": ["list_case_mix"],
    "csnb.standing": ["compare_agents", "count_basis", "count_standings", "measure_reliability", "compare_units"],
    "csnb.faults": ["compare_faults", "compare_fault_agents", "measure_faults"],
    "csnb.hints": ["find_parts", "measure_hints"],
    "csnb.gaps": ["split_gaps", "measure_gap_parts"],
    "csnb.strain": ["measure_strain"],
    "csnb.people": [
        "hide_names", "hide_agents", "list_named", "count_hints", "list_hints", "find_people_issues",
    ],
    "csnb.talks": ["list_talks", "list_sheets", "list_cases"],
    "csnb.charts_people": ["plot_funnel"],
    "csnb.charts": [
        "plot_trend", "plot_ranking", "plot_share", "plot_heatmap", "plot_distribution", "plot_pareto",
        "show_chart",
    ],
    "csnb.charts_control": ["plot_control", "plot_pulls"],
    "csnb.blocks": [
        "show_section", "show_findings", "show_quotes", "show_sheets", "show_definitions", "show_provenance",
    ],
    "csnb.tables": ["show_table"],
    "csnb.press": ["list_reports", "run_reports"],
    "csnb.world": ["simulate"],
}  # fmt: skip

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = list(_HOME_OF)


def __getattr__(name):
    """Load a public name from its module when it is first used, so that `import csnb` is quick."""
    if name not in _HOME_OF:
        raise AttributeError(f"csnb has no public name {name!r}; see csnb.__all__")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__():
    """List the public names, for completion."""
    return __all__
