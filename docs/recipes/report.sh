#!/bin/sh
# Bring in what lies in exports/, then make the reports of a period: sh docs/recipes/report.sh [PERIOD]
#
# exports/LAYOUT/KIND/ holds files of one layout and one kind, such as exports/qianniu/messages/.
# Exit code: 0 all good, 1 a report failed, 2 bad arguments or data.
set -eu
cd "$(dirname "$0")/../.."
book=${BOOK:-data/books/shop}
for folder in "${EXPORTS:-exports}"/*/*/; do
  kind=$(basename "$folder")
  layout=$(basename "$(dirname "$folder")")
  .venv/bin/csnb import "$folder"* --platform "$layout" --kind "$kind" --into "$book"
done
exec .venv/bin/csnb report --book "$book" --period "${1:-last-week}" --lang "${LANGUAGES:-zh,en}" --keep 8
