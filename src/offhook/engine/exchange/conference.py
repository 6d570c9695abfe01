"""Conferences: calls of one person become one, on one leg, and all of their parties talk.

Whoever merges is the host, unless there is one already. The views of the calls that were merged
stay: each stands for the parties that it brought in.
"""

from offhook.engine.exchange.call import Call, Talking
from offhook.engine.exchange.effects import Resumed
from offhook.engine.exchange.ending import Ending
from offhook.engine.exchange.floor import Floor
from offhook.engine.exchange.holding import Holding
from offhook.engine.exchange.model import EndReason
from offhook.engine.exchange.negotiation import Negotiation
from offhook.engine.exchange.parties import CONFERENCE, settle
from offhook.engine.exchange.refusal import unsuitable
from offhook.engine.exchange.regrouping import Regrouping
from offhook.engine.exchange.side import Side
from offhook.engine.exchange.transfer import check_together
from offhook.engine.exchange.viewing import Viewing


class Conference:
    """See the module."""

    def __init__(
        self,
        floor: Floor,
        viewing: Viewing,
        ending: Ending,
        holding: Holding,
        negotiation: Negotiation,
        regrouping: Regrouping,
    ) -> None:
        self._floor = floor
        self._viewing = viewing
        self._ending = ending
        self._holding = holding
        self._negotiation = negotiation
        self._regrouping = regrouping

    def merge(self, call: Call, others: list[Call]) -> None:
        """Join the calls of one person into a conference on the leg of `call`."""
        floor = self._floor
        session = floor.session_of(call)
        legs = {each.session_id: each for each in others if each.session_id != call.session_id}
        merged = list(legs.values())
        if not merged:
            if session.is_conference:
                return
            raise unsuitable("Name two calls to join.")
        parties = floor.others_of(call)
        for each in merged:
            parties += floor.others_of(each)
        self._check(call, merged, parties)
        sessions = [session, *(floor.session_of(each) for each in merged)]
        hosts = [each.host_id for each in sessions if each.host_id]
        brought = self._brought(call, merged)
        after = self._regrouping.gather([call, *parties], merged, CONFERENCE)
        if after.waits:
            after.answered = floor.now
        after.host_id = next((each for each in hosts if each in after.members), call.call_id)
        for view_id, call_ids in brought.items():
            side = floor.sides[view_id]
            if side.session_id != after.session_id:
                self._viewing.attach(after, side)
            side.call_id, side.brought = call.call_id, call_ids
        for leg in merged:
            self._viewing.stand_in(after, leg.call_id, [call.call_id])
            self._ending.drop(leg, EndReason.MERGED)
        for before, leg in zip(sessions, [call, *merged], strict=True):
            self._regrouping.retire(before, EndReason.MERGED, leg)
        self._take_part(call)
        settle(floor, after)

    def drop_brought(self, side: Side) -> None:
        """The parties that this side of the conference brought in have to leave."""
        for call_id in list(side.brought):
            call = self._floor.calls.get(call_id)
            if call is not None:
                self._ending.leave(call, EndReason.HANGUP, tell_it=True)

    def _take_part(self, call: Call) -> None:
        """Who merges talks in the conference, and nowhere else."""
        self._holding.hold_others(call)
        if isinstance(call.state, Talking) and call.held:
            self._floor.enter(call, call.state.resume(), "merge")
            self._negotiation.confirm(call, Resumed())

    def _brought(self, call: Call, merged: list[Call]) -> dict[str, list[str]]:
        """Which parties each side of who merges brings in."""
        brought = {}
        for leg in (call, *merged):
            others = [each.call_id for each in self._floor.others_of(leg)]
            sides = self._viewing.sides_of(leg)
            for side in sides:
                brought[side.view_id] = list(side.brought or (others if len(sides) == 1 else ()))
        return brought

    def _check(self, call: Call, merged: list[Call], parties: list[Call]) -> None:
        floor = self._floor
        for each in (call, *merged):
            session = floor.session_of(each)
            if not isinstance(each.state, Talking) or session.waits:
                raise unsuitable("Only answered calls can be joined; wait for the answer.")
            if session.service is not None:
                raise unsuitable("The service's own numbers take no part in a conference.")
        check_together([call, *parties])
