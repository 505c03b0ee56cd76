"""JupyterLab: the extension's half in the kernel, and the server that opens it."""
