"""`python -m reversible.cli`"""

import sys

from reversible.cli.command import main

sys.exit(main())
