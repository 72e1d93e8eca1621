"""git as the reader: ``git log -p``, ``git show`` and ``git diff`` show changes of records.

`settings` tells git to ask us. It starts `textconv` for each blob that ``log -p`` and ``show``
print, and the command ``diff-driver --compare`` for each pair of files that ``git diff`` does.
"""
