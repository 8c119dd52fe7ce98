"""Ratings: to which conversation each belongs, and what it says by the rule of the platform."""

import polars as pl


def rated_sessions(sessions, ratings, agents, packs):
    """Give sessions their rating and their agent's attributes.

    Parameters
    ----------
    sessions, ratings, agents : polars.DataFrame, tables of the schema
    packs : polars.DataFrame of `load_rulepacks`

    Returns
    -------
    pandas.DataFrame
        Table `sessions`, sorted by start, plus `score` (1 to 5, NaN unrated), `is_invited`,
        `is_rated`, `is_satisfied`, `is_dissatisfied` (by the platform's rule in force; missing
        where unrated), `invited_by`, `rated_at`, and `agent_name, team, supplier, tier, hired_on`
        of the person the account belongs to. A rating joins by session id, and by platform and
        shop where the rating names them; of several ratings the last one counts. A rating whose
        session id stands for several conversations joins none of them. `is_invited` is missing
        where the ratings tell nothing of invitations.
    """
    scores = packs.select("rulepack", "satisfied_scores", "dissatisfied_scores")
    rated = (
        sessions.join(_joined_ratings(sessions, ratings), on="session_key", how="left")
        .join(scores, on="rulepack", how="left")
        .with_columns(
            pl.when(_invitations_known(ratings))
            .then(pl.col("is_invited").fill_null(False))
            .alias("is_invited"),
            pl.col("score").is_not_null().alias("is_rated"),
            *(
                pl.when(pl.col("score").is_not_null())
                .then(pl.col("score").round().cast(pl.Int64).is_in(pl.col(f"{word}_scores")))
                .alias(f"is_{word}")
                for word in ("satisfied", "dissatisfied")
            ),
        )
        .drop("satisfied_scores", "dissatisfied_scores")
        .join(_people(agents), on="agent_id", how="left")
        .sort("started_at", "platform", "shop", "session_id", nulls_last=True)
    )
    frame = rated.to_pandas()
    return frame.assign(**{name: frame[name].astype("boolean") for name in _flags(rated)})


def _flags(frame):
    """Name the yes/no columns, which keep missing apart from no in pandas."""
    return [name for name, dtype in frame.schema.items() if dtype == pl.Boolean]


def _joined_ratings(sessions, ratings):
    """Give the last rating of each session that it can be told to belong to."""
    candidates = sessions.select("session_key", "session_id", "platform", "shop").join(
        ratings.with_row_index("order"), on="session_id", suffix="_rated"
    )
    fits = [
        pl.col(f"{name}_rated").is_null() | pl.col(name).eq_missing(pl.col(f"{name}_rated"))
        for name in ("platform", "shop")
    ]
    return (
        candidates.filter(*fits)
        .filter(pl.col("session_key").n_unique().over("order") == 1)
        .sort("rated_at", "order", nulls_last=False)
        .group_by("session_key", maintain_order=True)
        .agg(pl.col("score", "invited_by", "rated_at").last())
        .with_columns(pl.lit(True).alias("is_invited"))
    )


def _invitations_known(ratings):
    """Say whether the ratings tell of invitations, answered or not."""
    told = ratings.filter(pl.col("invited_at").is_not_null() | pl.col("score").is_null())
    return pl.lit(told.height > 0)


def _people(agents):
    """Give each account the attributes of the person it belongs to."""
    accounts = agents.unique("agent_id", keep="last", maintain_order=True)
    people = accounts.select("name", "team", "supplier", "tier", "hired_on", person="agent_id")
    return (
        accounts.select("agent_id", person=pl.coalesce("alias_of", "agent_id"))
        .join(people, on="person", how="left")
        .select("agent_id", "team", "supplier", "tier", "hired_on", agent_name="name")
    )


def unjoined_ratings(sessions, ratings):
    """Count the ratings that belong to no session, or to more than one.

    Parameters
    ----------
    sessions, ratings : polars.DataFrame, tables of the schema

    Returns
    -------
    int
        Invitations that nobody answered count like ratings.

    Examples
    --------
    >>> sessions = pl.DataFrame({"session_key": [1], "session_id": ["A"], "platform": ["jd"], "shop": ["X"]})
    >>> ratings = pl.DataFrame({"session_id": ["A", "B"], "platform": None, "shop": None, "score": [5.0, 1.0],
    ...     "invited_by": None, "rated_at": None}, schema_overrides={"platform": pl.String, "shop": pl.String})
    >>> unjoined_ratings(sessions, ratings)
    1
    """
    joined = _joined_ratings(sessions, ratings)
    rows = ratings.join(sessions.select("session_key", "session_id"), on="session_id", how="left")
    return ratings.height - rows.join(joined.select("session_key"), on="session_key", how="semi").height
