"""All studies: a file of studies for a new estimator is named here, and nowhere else."""

from validation import (
    studies,
    studies_changes,
    studies_owners,
    studies_people,
    studies_recovery,
    studies_shares,
    studies_talk,
)

STUDIES = (
    *studies.STUDIES,
    *studies_shares.STUDIES,
    *studies_owners.STUDIES,
    *studies_talk.STUDIES,
    *studies_recovery.STUDIES,
    *studies_changes.STUDIES,
    *studies_people.STUDIES,
)
