"""The phone that `offhook phone` shows: what there is to see, to press, and to do.

What a key means is decided in `choices` and `keypad`, which know no terminal, no clock and no SDK.
"""
