#!/bin/sh
# Runs workerd in such a way that it cannot outlive the Node process that started it. Killed with -9, Node has no chance to
# stop workerd, which would go on serving the port. Node holds the other end of file descriptor 3 and never writes to it: the
# read below returns when Node is gone, however it went.
# A terminal sends Ctrl-C to every process in it; when workerd ends is for Node to say.
trap '' HUP INT
(
  trap '' TERM
  read -r _ <&3
  kill -9 $$
) </dev/null >/dev/null 2>&1 &
exec "$QUARTERDECK_WORKERD" "$@"
