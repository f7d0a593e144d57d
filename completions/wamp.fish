complete --keep-order --exclusive --command wamp --arguments "(COMPLETE=fish wamp -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
