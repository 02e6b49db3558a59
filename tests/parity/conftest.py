"""What the workers import by name, the tests import too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
