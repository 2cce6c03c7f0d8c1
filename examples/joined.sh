#!/bin/sh
# A program that joins the fleet with nothing but sh (docs/events.md):
#   orchestrator run --agent command --name hello -- "$PWD/examples/joined.sh"

tell() {
    [ -n "$ORCHESTRATOR_EVENTS" ] && printf '%s\n' "$1" >>"$ORCHESTRATOR_EVENTS"
}

tell '{"type": "hello", "agent": "joined.sh", "version": "1"}'
tell '{"type": "state", "state": "working", "text": "counts the files"}'
count=$(git ls-files | wc -l | tr -d ' ')

printf '%s files. Write that to COUNT? (1 yes, 2 no) ' "$count"
tell '{"type": "question", "id": "write", "kind": "permission", "title": "Write the count to COUNT?", "path": "COUNT", "options": [{"key": "1", "label": "Yes"}, {"key": "2", "label": "No"}]}'
read -r choice
tell '{"type": "answered", "id": "write"}'

if [ "$choice" = 1 ]; then
    printf '%s\n' "$count" >COUNT
    said="COUNT says $count."
else
    said="Nothing was written."
fi
printf '%s\n' "$said"
tell "{\"type\": \"message\", \"role\": \"agent\", \"text\": \"$said\"}"
tell '{"type": "state", "state": "done"}'
printf 'Enter ends. '
read -r _
