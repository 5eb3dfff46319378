def _turned(rows):
    return [list(row) for row in zip(*rows)][::-1]


def _mirrored(rows):
    return [row[::-1] for row in rows]


def eight_pictures(picture):
    now, made = picture.tolist(), []
    for _ in range(4):
        made += [now, _mirrored(now)]
        now = _turned(now)
    return made


def mirror_then_turn(picture):
    return _turned(_mirrored(picture.tolist()))
