"""Examples that --help shows."""

TOP = """\
the main job:
  orchestrator run "Fix the flaky test in tests/test_net.py"   launch an agent in its own worktree
  orchestrator ls                                              who works, who waits for you
  orchestrator answer NAME y                                   answer in place
  orchestrator merge NAME                                      land the work, checked first
  orchestrator                                                 all of it on one screen
try it without any key: orchestrator demo"""

EXAMPLES = {
    "run": """\
  orchestrator run "Add a --json flag to the export command"
  orchestrator run --agent codex --name export-json "Add a --json flag to the export command"
  orchestrator run -n 3 "Find out why the build is slow"         three agents, one task
  orchestrator run --variants claude:opus,codex "Mend the flaky test"    one session each, to compare
  orchestrator run --base export-json "Use the new flag"         stacked: it lands after export-json
  orchestrator run --file tasks.toml                             [[task]] prompt = "…"
  orchestrator run --budget '$5' "Port the tests to pytest"      it is held and asks when 5 dollars are spent
  orchestrator run -- "-v prints too much"                       a task that begins with a dash
  git log -1 --format=%B | orchestrator run -
  orchestrator run --agent command -- python my_agent.py""",
    "plan": """\
  orchestrator plan "Let every report be exported as CSV and as JSON"
  orchestrator plan --out tasks.toml "Port the settings screen"    keep it, edit it …
  orchestrator plan --file tasks.toml                              … look it over and launch it; no model is asked
  orchestrator plan --json "Add dark mode" | jq '.tasks[].name'""",
    "add": """\
  orchestrator add "Add a --json flag to the export command"
  orchestrator add --after export-json --when done "Use the new flag in the report"    stacked on it
  orchestrator add --priority 5 --retries 2 --agent codex "Mend the nightly build"
  orchestrator add --file tasks.toml
  pbpaste | orchestrator add -                    a list, one task a line""",
    "queue": """\
  orchestrator queue
  orchestrator queue move export-json first
  orchestrator queue hold && orchestrator queue release
  orchestrator queue start export-json            now, past the caps
  orchestrator queue --json | jq '.lines[] | select(.blocked) | .task.name'""",
    "compare": """\
  orchestrator compare flaky-test
  orchestrator compare flaky-test --json | jq '.variants[] | {name, cost_usd, seconds}'
  orchestrator compare flaky-test --diff flaky-test-claude flaky-test-codex | delta""",
    "pick": """\
  orchestrator pick flaky-test-codex && orchestrator merge flaky-test-codex
  orchestrator attic restore flaky-test-claude    what was not picked comes back""",
    "resume": """\
  orchestrator resume export-json
  orchestrator resume --all          after a reboot: everything that was lost""",
    "ls": """\
  orchestrator ls
  orchestrator ls --json | jq '.[] | select(.state == "blocked") | .name'""",
    "show": "  orchestrator show export-json",
    "why": """\
  orchestrator why export-json
  orchestrator why --agent claude --screen saved.txt --version 2.1.330    which rule matches, and why others do not""",
    "diff": """\
  orchestrator diff export-json
  orchestrator diff export-json --stat
  orchestrator diff export-json --turn             what did the last turn do?
  orchestrator diff export-json --from 3 --to 5    between two snapshots
  orchestrator diff export-json --from 2h          since two hours ago
  orchestrator diff export-json | delta""",
    "import-usage": "  orchestrator import-usage && orchestrator stats --since all --by model",
    "report": """\
  orchestrator report --since 7d
  orchestrator report --since today -o today.html""",
    "stats": """\
  orchestrator stats                       the last day, by session
  orchestrator stats --since 7d --by day
  orchestrator stats --since 2026-03-01 --by model --csv > tokens.csv
  orchestrator stats --json | jq .waits""",
    "inbox": """\
  orchestrator inbox
  orchestrator inbox --json | jq '.[] | select(.blocks) | .names[]'""",
    "next": """\
  orchestrator next
  orchestrator show "$(orchestrator next --json | jq -r .names[0])\"""",
    "snooze": """\
  orchestrator snooze export-json 10m     back in ten minutes
  orchestrator snooze export-json         until something changes
  orchestrator snooze export-json --off   now""",
    "prioritise": """\
  orchestrator prioritise export-json 2     counts four times as much
  orchestrator prioritise export-json -1    half as much
  orchestrator prioritise export-json 0     as usual""",
    "budget": """\
  orchestrator budget                          each cap, what is spent, what is left
  orchestrator budget export-json --add '$5'   5 dollars more; a held session goes on
  orchestrator budget export-json --set '$10 2h'
  orchestrator budget --day --add '$10'        today, for all sessions
  orchestrator budget --account codex --lift   today, for all sessions of codex
  orchestrator budget --json | jq '.lines[].measures[] | select(.reached)'""",
    "radar": """\
  orchestrator radar
  orchestrator radar export-json                 what of it conflicts with its target
  orchestrator radar export-json import-csv      what two agents do to the same lines
  orchestrator radar export-json import-csv --message | orchestrator send export-json -
  orchestrator radar --json | jq '.[].order[].name'""",
    "log": "  orchestrator log export-json --follow",
    "wait": """\
  orchestrator wait export-json --for done,failed --timeout 600
  orchestrator wait export-json --for blocked && orchestrator show export-json""",
    "send": '  orchestrator send export-json "Also handle an empty list"',
    "answer": """\
  orchestrator answer export-json y              yes
  orchestrator answer export-json 2              the second option
  orchestrator answer export-json 1,3            the first and the third, where several may be taken
  orchestrator answer export-json --text "Use the old name"
  orchestrator answer --same export-json y       and every other session that asks the very same
  orchestrator answer export-json y --question 3f2a9c…    only if this very question is still open""",
    "interrupt": "  orchestrator interrupt export-json",
    "stop": "  orchestrator stop export-json && orchestrator resume export-json",
    "pause": "  orchestrator pause export-json",
    "unpause": "  orchestrator unpause export-json",
    "attach": "  orchestrator attach export-json",
    "update": "  orchestrator update export-json",
    "merge": """\
  orchestrator merge export-json --dry-run
  orchestrator merge export-json --check "make test"
  orchestrator merge export-json --method rebase
  orchestrator merge export-json --only src/export.py    the rest stays with the session
  orchestrator merge export-json import-csv fix-docs     a train: tested together, what passes lands
  orchestrator merge --all-ready --return-failures       what does not goes back to its agent""",
    "train": """\
  orchestrator train
  orchestrator train move import-csv first
  orchestrator train out import-csv
  orchestrator train pause && orchestrator train resume
  orchestrator train cancel                              what landed stays""",
    "review": """\
  orchestrator review export-json
  orchestrator review export-json --since          what changed since you looked at it
  orchestrator review export-json --json | jq '.files[] | select(.looked_at < .items) | .new'""",
    "comment": """\
  orchestrator comment export-json src/export.py:42 "Use the writer that is there"
  orchestrator comment --before export-json src/export.py:42-48 "Why did this go?"
  orchestrator comment --edit 2 export-json "Say it better"
  orchestrator comment export-json --delete 2""",
    "comments": """\
  orchestrator comments export-json
  orchestrator comments export-json --send""",
    "conflicts": """\
  orchestrator conflicts export-json
  orchestrator conflicts export-json --json | jq -r '.problems[].path'""",
    "resolve": """\
  orchestrator resolve export-json --take ours src/index.ts    this file as the target has it, where they differ
  orchestrator resolve export-json --take theirs              all that is open as the session has it, then accept
  orchestrator resolve export-json --agent claude             it proposes; see: orchestrator conflicts export-json
  orchestrator resolve export-json --offer resolve-export-json    take its proposal""",
    "push": """\
  orchestrator push --dry-run
  orchestrator push""",
    "pr": """\
  orchestrator pr export-json
  orchestrator pr export-json --draft -m 'Add a JSON export'""",
    "checks": """\
  orchestrator checks export-json
  orchestrator checks export-json --run            exit code 1 when one is not good
  orchestrator checks export-json --log test""",
    "snapshots": "  orchestrator snapshots export-json",
    "snapshot": '  orchestrator snapshot export-json -m "before the big rename"',
    "restore": """\
  orchestrator restore export-json --dry-run           what the newest other snapshot would bring back
  orchestrator restore export-json 7                   files as in snapshot 7; branch and HEAD stay
  orchestrator restore export-json 2h                  as they were two hours ago
  orchestrator restore export-json "before merge"      by words of its reason
  orchestrator restore export-json 7 --path src/net    only this folder
  orchestrator restore export-json --head              after a reset --hard: the branch goes back too""",
    "rm": "  orchestrator rm export-json",
    "trust": """\
  orchestrator trust                    this repository's commands, and the question
  orchestrator trust ~/work/shop --yes
  orchestrator trust --revoke""",
    "ops": """\
  orchestrator ops
  orchestrator ops --json | jq '.[0].moves'""",
    "undo": """\
  orchestrator undo --dry-run    what the newest operation changed, and what taking it back would do
  orchestrator undo              take the newest back
  orchestrator undo kxm          another one: by the first letters of its id""",
    "attic": """\
  orchestrator attic
  orchestrator attic restore export-json && orchestrator resume export-json""",
    "demo": """\
  orchestrator demo              five scripted agents, the real dashboard
  orchestrator demo --headless   the same, played and checked without a terminal""",
    "doctor": """\
  orchestrator doctor
  orchestrator doctor --rebuild-ledger
  orchestrator doctor --unlock   a killed git left index.lock: put aside, with proof that nobody uses it""",
    "serve": "  orchestrator serve",
    "down": """\
  orchestrator down              the dashboard and the daemon end, agents run on
  orchestrator down --agents     everything ends; resume brings sessions back""",
    "coder": '  orchestrator coder --provider openai --base-url http://127.0.0.1:11434/v1 "Explain this repository"',
}
