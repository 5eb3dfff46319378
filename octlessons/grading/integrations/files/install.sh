#!/usr/bin/env bash
# Put octlessons and the pinned libraries into a folder of their own:  install.sh FOLDER
# The interpreter is FOLDER/env/bin/python then.
set -euo pipefail

here="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
mkdir -p -- "$1"
folder="$(cd -- "$1" && pwd)"

cd /
unset PYTHONPATH PYTHONHOME
# An interpreter that uv fetches, where the system's is too old, lies in the folder, too.
export UV_PYTHON_INSTALL_DIR="$folder/python"
export UV_NO_CONFIG=1

python3 -m venv --clear "$folder/tools"
"$folder/tools/bin/python" -I -m pip install --quiet --constraint "$here/constraints.txt" uv
uv="$folder/tools/bin/uv"
"$uv" venv --quiet --clear --python ">=3.11,<3.14" "$folder/env"
"$uv" pip install --quiet --python "$folder/env/bin/python" --torch-backend cpu \
  --constraint "$here/constraints.txt" --requirement "$here/requirements.txt"
packages="$("$folder/env/bin/python" -I -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
cp -R -- "$here/package/octlessons" "$packages/"
chmod -R go+rX -- "$packages/octlessons"
"$folder/env/bin/python" -I -c "import octlessons.grading.integrations.services"
