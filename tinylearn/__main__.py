"""`python -m tinylearn`."""

import sys

from tinylearn.cli.main import main

sys.exit(main())
