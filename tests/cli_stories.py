"""What people type, command by command: each as it prints for them and as JSON, and some of what goes wrong."""

import re

#: A story of the snapshot of its name: lines as they are typed after `antiphon`. `{name}` stands for an id that the
#: story was told, `< text` at the end of a line for the standard input.
STORIES: dict[str, str] = {
    "flow": """
        flow ls
        flow ls --json
        flows ls --filter 'tags:"x"' --limit 1
        flow ls --filter wrong
        """,
    "flow-run": """
        flow-run ls
        flow-run ls --json
        flow-run ls --state Completed --flow-name etl --limit 1
        flow-run ls --state-type failed
        flow-run ls --state-type lost
        flow-run inspect done
        flow-run inspect done --json
        flow-run inspect nobody
        flow-run logs done
        flow-run logs done --json
        flow-run logs done --tail -n 1
        flow-run logs done --follow
        flow-run logs done --follow --json
        flow-run logs done --head --tail
        flow-run explain one
        flow-run explain one --json
        flow-run watch done
        flow-run watch done --json
        flow-run watch one --timeout 3
        flow-run pause one
        flow-run pause going
        flow-run pause going-too --json
        flow-run suspend going
        flow-run suspend deployed --json
        flow-run resume going
        flow-run resume going-too --json
        flow-run cancel one --reason 'no need'
        flow-run cancel one --json
        flow-run cancel going-too --json
        flow-run retry done
        flow-run retry one --json
        flow-run retry going
        flow-run set-state FAILED done --force
        flow-run set-state FAILED done --force --json
        flow-run set-state LOST done
        flow-run delete done
        flow-run delete done --yes
        flow-run delete one --yes --json
        flow-run delete --filter 'name = "deployed"' --dry-run
        flow-run delete --filter 'name = "deployed"' --yes
        flow-run cancel --all --json
        """,
    "task-run": """
        task-run ls
        task-run ls --json
        task-run ls --task-run-name load --state-type completed
        task-run ls --state-type lost
        task-run inspect load
        task-run inspect load --json
        task-run inspect nobody
        task-run logs load
        task-run logs load --json --head
        """,
    "deployment": """
        deployment ls
        deployment ls --json
        deployment ls --flow-name etl --filter 'paused = false' --by-created
        deployment inspect etl/nightly
        deployment inspect nightly --json
        deployment inspect etl/weekly
        deployment run etl/nightly -p x=1 -p name=Ann -jv cpu=2 --flow-run-name first --tag t \\
            --start-at '2099-01-01 09:00'
        deployment run etl/nightly --params - --json < {"x": 2}
        deployment run etl/nightly --flow-run-name again --idempotency-key k
        deployment run etl/nightly --idempotency-key k
        deployment run etl/nightly -p x
        deployment run etl/nightly -p x=1 --params '{"x": 2}'
        deployment run etl/nightly -p x=many
        deployment run etl/nightly --start-in 'a while'
        deployment run etl/nightly --start-at whenever
        deployment run etl/nightly --start-in 1h --start-at 12:00
        deployment run etl/nightly --watch --watch-timeout 3 --flow-run-name watched
        deployment run etl/nightly --watch-timeout 1
        deployment run
        deployment backfill etl/nightly --from 2030-03-01 --to 2030-03-04 --dry-run
        deployment backfill etl/nightly --from 2030-03-01 --to 2030-03-04 --dry-run --json
        deployment backfill etl/nightly --from 2030-03-01 --to 2030-03-04 --max-active 2
        deployment backfill etl/nightly --from 2030-04-01 --to 2030-04-04 --rerun --json
        deployment backfill etl/nightly --from 2030-04-01 --to 2030-03-01
        deployment backfill etl/nightly --from soon --to 2030-03-01
        deployment backfill etl/plain --from 2030-03-01 --to 2030-03-04
        deployment versions etl/nightly
        deployment versions etl/nightly --json
        deployment rollback etl/nightly
        deployment rollback etl/nightly 2 --json
        deployment rollback etl/nightly 77
        deployment pause etl/nightly
        deployment pause etl/nightly --json
        deployment resume etl/nightly
        deployment resume etl/nightly --json
        deployment delete
        deployment delete etl/plain
        deployment delete etl/plain --yes
        deployment delete --all --yes --json
        deployment ls
        """,
    "schedule": """
        deployment schedule ls etl/nightly
        deployment schedule ls etl/nightly --json
        deployment schedule ls etl/plain
        deployment schedule create etl/plain --cron '30 2 * * *' --timezone Europe/Berlin --slug early --jitter 1s \\
            --exclude holidays --catch-up all --overlap skip --max-scheduled-runs 3
        deployment schedule create etl/plain --interval '1h 30m' --anchor-date 2030-01-01 --no-active --json
        deployment schedule create etl/plain --rrule 'FREQ=WEEKLY;BYDAY=MO' -p x=1 --slug weekly
        deployment schedule create etl/plain
        deployment schedule create etl/plain --cron '* * *'
        deployment schedule create etl/plain --cron '@daily' --timezone Mars/Base
        deployment schedule create etl/plain --cron '@daily' --interval 5
        deployment schedule create etl/plain --cron '@daily' --anchor-date 2030-01-01
        deployment schedule create etl/plain --cron '@daily' --overlap maybe
        deployment schedule create etl/plain --cron '@daily' --exclude feasts
        deployment schedule create etl/plain --interval often
        deployment schedule preview etl/plain early -n 3 --after 2030-03-29
        deployment schedule preview etl/plain early -n 3 --after 2030-03-29 --json
        deployment schedule preview etl/plain
        deployment schedule preview --cron '30 2 * * *' --timezone Europe/Berlin -n 3 --after 2030-03-29
        deployment schedule preview
        deployment schedule update etl/plain weekly --rrule 'FREQ=WEEKLY;BYDAY=TU'
        deployment schedule update etl/plain early --overlap allow --json
        deployment schedule update etl/plain early
        deployment schedule pause etl/plain early
        deployment schedule pause etl/plain --all --json
        deployment schedule pause etl/plain early
        deployment schedule pause
        deployment schedule resume etl/plain early
        deployment schedule resume --all --json
        deployment schedule resume etl/plain late
        deployment schedule delete etl/plain early
        deployment schedule delete etl/plain early --yes
        deployment schedule delete etl/plain weekly --yes --json
        deployment schedule create etl/plain --cron '@hourly' --slug hourly --replace --yes
        deployment schedule clear etl/plain
        deployment schedule clear etl/plain --yes
        deployment schedule clear etl/nightly --yes --json
        """,
    "calendar": """
        calendar ls
        calendar create feasts --day 12-25 --day 2030-04-22 --weekday sun --weekday Saturday -d 'No work'
        calendar create more --json --day 01-01
        calendar create feasts
        calendar create wrong --day 02-30
        calendar create wrong --weekday someday
        calendar ls --json
        calendar inspect feasts
        calendar inspect feasts --json
        calendar inspect none
        calendar update feasts --add-day 01-01 --remove-day 12-25 --no-weekdays
        calendar update feasts --remove-day 12-25
        calendar update feasts --day 12-24 -d Eve --json
        calendar update feasts
        calendar delete feasts
        calendar delete feasts --yes
        calendar delete more --yes --json
        calendar delete holidays --yes
        """,
    "work-pool": """
        work-pool create lake --type process --concurrency-limit 3
        work-pool create lake --type process
        work-pool create lake --type process --overwrite --paused
        work-pool create pond
        work-pool create pond --type docker --json
        work-pool ls
        work-pool ls --verbose
        work-pool ls --json --filter 'type = "docker"'
        work-pool inspect pool
        work-pool inspect pool --json
        work-pool inspect sea
        work-pool preview pool
        work-pool preview pool --hours 1
        work-pool preview pool --json
        work-pool pause pool
        work-pool pause pool --json
        work-pool resume pool
        work-pool resume pool --json
        work-pool update pool --concurrency-limit 5
        work-pool update pool --type kubernetes --json
        work-pool update pool
        work-pool set-concurrency-limit pool 7
        work-pool set-concurrency-limit pool 8 --json
        work-pool set-concurrency-limit pool -- -1
        work-pool slots pool
        work-pool slots pool --json
        work-pool clear-concurrency-limit pool
        work-pool clear-concurrency-limit pool --json
        work-pool slots pool
        work-pool delete pond
        work-pool delete pond --yes
        work-pool delete lake --yes --json
        work-pool get-default-base-job-template --type nothing
        """,
    "work-queue": """
        work-queue create fast --pool pool --limit 2 --priority 1
        work-queue create slow --pool pool --json
        work-queue create fast --pool pool
        work-queue create fast --pool sea
        work-queue create fast
        work-queue ls
        work-queue ls -v --pool pool
        work-queue ls --pool pool --match as --json
        work-queue ls --pool sea
        work-queue inspect fast
        work-queue inspect fast --pool pool --json
        work-queue inspect deep
        work-queue inspect deep --pool pool
        work-queue preview queue
        work-queue preview queue --hours 1
        work-queue preview queue --json
        work-queue read-runs queue
        work-queue read-runs queue --json
        work-queue pause fast
        work-queue pause fast --json
        work-queue resume fast
        work-queue resume fast --json
        work-queue set-concurrency-limit fast 4
        work-queue set-concurrency-limit fast 5 --json
        work-queue slots fast
        work-queue slots fast --json
        work-queue clear-concurrency-limit fast
        work-queue clear-concurrency-limit fast --json
        work-queue slots fast
        work-queue delete fast
        work-queue delete fast --yes
        work-queue delete slow --yes --json
        """,
    "worker": """
        worker ls
        worker ls --pool pool --online
        worker ls --pool pool --json
        worker ls --pool sea
        worker inspect left
        worker inspect left --pool pool --json
        worker inspect nobody
        worker inspect nobody --pool pool
        worker delete left
        worker delete left --yes
        worker delete gone --yes --json
        """,
    "operation": """
        operation ls
        operation ls --json
        operation inspect {operation}
        operation inspect {operation} --json
        operation inspect 0000
        operation watch {operation}
        operation watch {operation} --json
        operation cancel {backfill}
        operation cancel {backfill} --json
        operation cancel {operation}
        """,
    "variable": """
        variable ls
        variable ls --json
        variable set greeting hello --tag x
        variable set greeting hello
        variable set greeting '{"a": 1}' --overwrite --json
        variable get greeting
        variable inspect greeting
        variable inspect greeting --json
        variable inspect none
        variable unset greeting
        variable unset greeting --yes
        variable unset db_url --yes --json
        """,
    "artifact": """
        artifact ls
        artifact ls --json --all
        artifact inspect report
        artifact inspect report --json
        artifact inspect none
        artifact delete report
        artifact delete report --yes
        artifact delete --id {artifact} --yes --json
        artifact delete
        """,
    "block": """
        block type ls
        block type ls --json
        block type inspect login
        block type inspect login --json
        block type inspect none
        block create login
        block create login --name dev --data - < {"user": "bob", "password": "secret"}
        block create login --name test --data '{"user": "cid"}' --json
        block create login --name wrong --data '{'
        block ls
        block ls --json
        block inspect login/dev
        block inspect login/dev --json
        block inspect login/none
        block register --json
        block register --module json
        block delete login/dev
        block delete login/dev --yes
        block delete login/test --yes --json
        block type delete login
        block type delete login --yes
        block type delete other --yes --json
        """,
    "concurrency-limit": """
        concurrency-limit create small 2
        concurrency-limit create large 20 --json
        concurrency-limit create small 2
        concurrency-limit ls
        concurrency-limit ls --offset 1
        concurrency-limit ls --json
        concurrency-limit inspect small
        concurrency-limit inspect small --json
        concurrency-limit inspect none
        concurrency-limit reset small
        concurrency-limit reset small --json
        concurrency-limit delete small
        concurrency-limit delete small --yes
        concurrency-limit delete large --yes --json
        """,
    "global-concurrency-limit": """
        gcl create db --limit 2 --slot-decay-per-second 0.5
        global-concurrency-limit create web -l 1 --disable --json
        gcl ls
        gcl ls --json
        gcl inspect db
        gcl inspect db --json
        gcl inspect db --file db.json
        gcl inspect db --file no/db.json
        gcl inspect none
        gcl update db --limit 3
        gcl update db --limit 4 --json
        gcl update db
        gcl disable db
        gcl disable db --json
        gcl enable db
        gcl enable db --json
        gcl delete db
        gcl delete db --yes
        gcl delete web --yes --json
        """,
    "shell": """
        shell watch 'echo hello; sleep 0' --flow-run-name told
        shell serve ls --flow-name listing --timezone UTC
        shell watch 'echo oops >&2' --flow-run-name warned
        shell watch 'exit 3' --no-stream-stdout --flow-name 'Nightly sync' --flow-run-name failed --tag x
        shell watch 'kill -9 $$' --flow-run-name killed
        flow-run logs told
        flow-run logs warned
        flow-run ls --flow-name 'Nightly sync'
        """,
    "project": """
        init --name shop
        init --name shop --json
        deploy --all
        deploy flows.py:etl --name weekly --pool pool --cron '0 3 * * 1' --dry-run
        deploy flows.py:etl --name weekly --pool pool --cron '0 3 * * 1' --timezone Europe/Berlin
        deploy flows.py:etl --name weekly --pool pool --tag new --json
        deploy flows.py:etl --name weekly --pool pool --param x=many
        deploy flows.py:etl --name weekly --pool sea
        deploy flows.py:nothing --name weekly --pool pool
        deploy nowhere.py:etl --name weekly --pool pool
        flow serve nowhere.py:etl
        flow-run execute nobody
        worker start --pool sea
        """,
    "task": """
        task serve
        task serve nowhere.py:job
        task serve --module no_such_module
        """,
    "config": """
        config view
        config view --json --show-defaults
        config set ANTIPHON_CLI_COLORS=false
        config set ANTIPHON_CLI_COLORS=no --json
        config set ANTIPHON_CLI_COLORS=green
        config set ANTIPHON_NOTHING=1
        config view --hide-sources
        config validate
        config validate --json
        config unset ANTIPHON_CLI_COLORS
        config set ANTIPHON_CLI_COLORS=1 --json
        config unset ANTIPHON_CLI_COLORS --json
        version
        version --json
        nothing
        """,
    "profile": """
        profile ls
        profile ls --json
        profile create work
        profile create home --from work --json
        profile create work
        profile use work
        profile use home --json
        profile use none
        profile inspect work
        profile inspect work --json
        profile rename home house
        profile rename house home --json
        profile populate-defaults
        profile populate-defaults --json
        profile delete home --yes
        profile delete work
        profile delete work --yes
        profile delete local --yes --json
        """,
    "server": """
        server status
        server status --wait --timeout 0.1
        server backup
        server restore missing.db
        server doctor
        server start --json
        server start --background --port 0 --log-level warning
        server start --background
        server status
        server status --json --wait
        server services ls
        server services list
        server services ls --json
        server doctor
        server doctor --json
        server backup
        server backup nightly.db
        server backup nightly.db
        server backup nightly.db --force --json
        server restore nightly.db
        server backup --database postgresql://me:secret@db:5432/antiphon
        server restore antiphon.dump --database postgresql://me:secret@db:5432/antiphon
        server stop
        server restore nightly.db
        server restore nightly.db --json
        server restore flows.py
        server start -b --port 0 --json
        server stop --json
        server stop
        """,
}

#: These bring no world with them: one has no server, the other starts its own.
WITHOUT_WORLD = frozenset({"config", "profile", "server", "task"})


def lines_of(story: str) -> list[tuple[str, str]]:
    """Each line, and what is on its standard input."""
    lines = [line.strip() for line in re.sub(r"\\\n\s+", "", STORIES[story]).strip().splitlines()]
    return [(typed.rstrip(), given) for typed, _, given in (line.partition(" < ") for line in lines)]


def with_ids(typed: str, ids: dict[str, str]) -> str:
    """The line with the ids that it names."""
    return re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], typed)
