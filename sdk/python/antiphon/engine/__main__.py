"""`python -m antiphon.engine`: the process that a worker starts for one flow run."""

import sys

from antiphon.flow_run_process import main

if __name__ == "__main__":
    sys.exit(main())
