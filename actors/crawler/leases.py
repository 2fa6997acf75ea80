"""The slots of all hosts that a crawler asks, and the one loop that keeps their leases."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping

from actors.crawler.backoff import Backoff
from actors.crawler.budgets import LEASE_SECONDS, Ask, HostBudgets, Lease, Want
from actors.crawler.figures import HostFigures
from actors.crawler.health import Patience
from actors.crawler.settings import CrawlSettings
from actors.crawler.slots import HostSlot

# Often enough that a lease in use never runs out over one slow answer.
RENEW_SECONDS = LEASE_SECONDS / 4
_HOSTS_REMEMBERED = 1024


def alone(settings: CrawlSettings) -> Ask:
    """Ask budgets of one's own: of a crawler that is the only one."""
    budgets = HostBudgets(settings, clock=lambda: asyncio.get_running_loop().time())

    async def ask(crawler: str, wants: Mapping[str, Want]) -> Mapping[str, Lease]:
        return budgets.lease(crawler, wants)

    return ask


class HostSlots:
    """Gives each host its slot, and renews the leases of all that are in use, in one call."""

    def __init__(self, settings: CrawlSettings, ask: Ask, refused: Backoff) -> None:
        self._settings = settings
        self._ask_budgets = ask
        circuit = Backoff(settings.circuit_seconds)
        self._patience = Patience(refused, circuit, settings.circuit_failures, settings.longest_hold)
        # A restarted crawler is another one: what its earlier life was given runs out.
        self._name = secrets.token_hex(8)
        self._slots: dict[str, HostSlot] = {}
        self._leased: set[str] = set()
        self._urgent: set[str] = set()
        self._asked = asyncio.Event()

    def __len__(self) -> int:
        return len(self._slots)

    def of(self, host: str) -> HostSlot:
        """Give the slot of a host, or of the hosts that it shares a budget with."""
        name, _ = self._settings.budget_entry(host.rstrip("."))
        slot = self._slots.get(name)
        if slot is None:
            if len(self._slots) >= _HOSTS_REMEMBERED:
                self._slots = {name: slot for name, slot in self._slots.items() if not slot.idle}
            slot = self._slots[name] = HostSlot(self._patience, lambda: self._hurry(name))
        return slot

    def figures(self) -> dict[str, HostFigures]:
        """Give how each host that is in use is asked."""
        return {name: slot.figures for name, slot in self._slots.items() if slot.in_use}

    def _hurry(self, name: str) -> None:
        self._urgent.add(name)
        self._asked.set()

    async def keep(self) -> None:
        """Ask for leases, for ever: at once where somebody waits for one, and now and then for all."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(renewed + RENEW_SECONDS):
                    await self._asked.wait()
            except TimeoutError:
                renewed = loop.time()
                self._urgent |= self._leased
            self._asked.clear()
            urgent, self._urgent = self._urgent, set()
            await self._ask(urgent)

    def end(self, keeping: asyncio.Task[None]) -> None:
        """Raise RuntimeError for all who wait; for when the task that ran ``keep`` is done."""
        error = RuntimeError("nobody keeps the leases any more")
        error.__cause__ = None if keeping.cancelled() else keeping.exception()
        for slot in self._slots.values():
            slot.send_away(error)

    async def _ask(self, names: set[str]) -> None:
        asked_at = asyncio.get_running_loop().time()
        slots = {name: slot for name in names if (slot := self._slots.get(name)) is not None}
        wants = {name: slot.ask() for name, slot in slots.items()}
        self._leased -= names
        self._leased |= {name for name, want in wants.items() if want.demand or want.hold}
        leases = await self._ask_budgets(self._name, wants) if wants else {}
        for name, lease in leases.items():
            slots[name].take(lease, wants[name], asked_at)
