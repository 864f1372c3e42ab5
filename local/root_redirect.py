"""Redirect ``/`` to the console, so that the URL that ``make run`` prints opens it. API Gateway does not do this."""

from local.asgi import Application, Message, Receive, Send


def redirect_root(application: Application, target: str) -> Application:
    """Return an application that redirects GET and HEAD of ``/`` to ``target`` and passes on all other requests."""

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] != "/" or scope["method"] not in ("GET", "HEAD"):
            await application(scope, receive, send)
            return
        headers = [(b"location", target.encode()), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return serve
