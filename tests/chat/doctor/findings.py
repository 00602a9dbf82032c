"""What a check found, for tests."""


def states(findings):
    return [str(finding.state) for finding in findings]


def only(findings):
    """Give the one finding there is."""
    [finding] = findings
    return finding


def objections(findings):
    """Give what is not well, as `state: text`; each must say what to do."""
    bad = [finding for finding in findings if finding.state != "ok"]
    assert all(finding.mend for finding in bad)
    return [f"{finding.state}: {finding.text}" for finding in bad]
