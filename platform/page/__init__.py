"""The web page: an overview of the services, and a form to try each of them. Its own small server.

    browser -> app.py -> board.py -> source.py -> the platform, and the model servers
               (routes)  (what is    (four blocking calls)
                          known now)

It reads and tries, nothing else: it changes no service, and keeps nothing but a few minutes of counters in memory.
The browser talks to the page alone; model servers are reached by the page's server.
"""

from .app import create_app as create_app
from .source import Reply as Reply
from .source import Source as Source

__all__ = ["Reply", "Source", "create_app"]
