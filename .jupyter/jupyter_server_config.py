"JupyterLab as `make lab` starts it: saves notebooks as `nbdev-clean` writes them, so looking at one changes nothing in git"
from nbdev.clean import clean_jupyter

c = get_config()  # noqa: F821 (Jupyter gives it)
c.ContentsManager.pre_save_hook = clean_jupyter
