"""A folder of scans becomes groups, and a report worth reading: ``octlessons cluster``.

Scans → one look at each → groups → what they follow → a page. The modules are named after the
steps: `reading`, `looking` (with `eyes`), `grouping`, `judging`, `likeness`, `mapping`,
`report_page`; `running` takes them in turn, and `result` is what comes out.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"result": ["ClusterRun"], "running": ["cluster_scans"]},
)
