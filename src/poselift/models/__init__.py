"""The architectures: MotionAGFormer as the baseline, MambaGCN, and both together."""
