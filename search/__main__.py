"""``python -m search`` is ``invsearch``."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from invsearch_start import main

    sys.exit(main())
