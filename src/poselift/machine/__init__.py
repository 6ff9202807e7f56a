"""The machine: its devices, the locks on its GPUs, and checks of the installation."""
