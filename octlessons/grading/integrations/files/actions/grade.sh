#!/usr/bin/env bash
# Grade one checkout. It fails only if the grader itself does.
#
#   OCTLESSONS_PYTHON      an interpreter that has octlessons
#   OCTLESSONS_SUBMISSION  the student's checkout
#   OCTLESSONS_RESULTS     folder for the student's page and result.json
set -euo pipefail

here="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
cd /
"$OCTLESSONS_PYTHON" -I -m octlessons.grading.integrations.services actions \
  "$here" "$OCTLESSONS_SUBMISSION" "$OCTLESSONS_RESULTS"
