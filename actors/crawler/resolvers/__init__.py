"""From submissions to candidates: ``plan_submission`` and ``plan_url`` without a request, ``Resolvers`` with.

One file a site (``reddit``, ``imgur``, ``flickr``, ``direct``), each with its pattern, examples and resolve;
``posts`` reads Reddit's posts, ``gallery`` the images they carry, ``policy`` what is not looked at, ``options``
what only a setting adds. ``allowance`` and ``ask_posts`` keep the calls of ``online`` few.
"""

from __future__ import annotations

from actors.crawler.resolvers.online import Resolvers
from actors.crawler.resolvers.options import chosen
from actors.crawler.resolvers.plan import Action, Plan
from actors.crawler.resolvers.policy import crosspost_parent
from actors.crawler.resolvers.sites import plan_submission, plan_url

__all__ = ["Action", "Plan", "Resolvers", "chosen", "crosspost_parent", "plan_submission", "plan_url"]
