"""Assessment results held against NIST's OSCAL model: check.py FILE...

Prints what the model refuses, and exits 1 if it refuses one.
"""

import sys

from pydantic import ValidationError
from trestle.oscal.assessment_results import Model

refused = False
for path in sys.argv[1:]:
    try:
        with open(path, "rb") as file:
            Model.model_validate_json(file.read())
    except ValidationError as error:
        print(f"{path}: {error}")
        refused = True
sys.exit(refused)
