"""Speed beside others: workloads, the contestants that run them, and rounds that take turns.

Layer L10. Every contestant lives in a process of its own (decision 0011). Nothing of the package
reads what stands here; the peers' backward passes are typed by hand because that is what people
who do without glassgrad would run.
"""
