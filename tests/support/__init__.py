"""What tests are built from: git, archives, clones, servers, processes, values.

| module | what it gives |
|---|---|
| `checkout` | where this checkout lies, and the test data beside it |
| `git` | plain git in a folder |
| `commandline` | ``archiver …`` in this process; `processes` starts a real one |
| `archives` | a data repository whose catalogue is a file that the test writes |
| `hubs` | a data repository whose source is a made-up hub |
| `scratch` | folders in memory, where file systems allow it |
| `git_server` | a git server over HTTP on 127.0.0.1 |
| `histories` | versions of a catalogue that somebody else committed |
| `commits` | one commit by the store |
| `copies` | clones of one data repository that push to the same bare one |
| `misbehaviour`, `receivers` | HTTP and mail servers on 127.0.0.1 |
| `hostile_texts`, `strategies` | values: hostile ones, and those that Hypothesis draws |
"""
