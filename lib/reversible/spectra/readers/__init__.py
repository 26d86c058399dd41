"""What is in files of weights, of any kind: the arrays by name, not read yet. No code of a file is ever run.

bytes -> kind (`kinds`) -> arrays by name, lazily (`stored`): plain, torch_files, packaged; folders
"""
