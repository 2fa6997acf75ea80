"""imgur's and flickr's APIs over a world's records; both want their key."""

from __future__ import annotations

from aiohttp import web

from flows.demo.desk import Json


class ImgurApi:
    """imgur's API, version 3: ``/3/image|album|gallery/ID`` (https://apidocs.imgur.com)."""

    def __init__(self, records: dict[str, Json], client_id: str) -> None:
        self._records = records
        self._client_id = client_id

    def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        if request.headers.get("Authorization") != f"Client-ID {self._client_id}":
            return self._wrapped({"error": "Malformed auth header", "method": request.method}, 403)
        path = request.path.strip("/").removeprefix("3/")
        if path.startswith("album/") and path.endswith("/images"):
            album = self._records.get(path.removesuffix("/images"))
            return self._wrapped(album["images"], 200) if album else self._unknown(path)
        record = self._records.get(path)
        return self._wrapped(record, 200) if record else self._unknown(path)

    def _unknown(self, path: str) -> web.Response:
        error = f"Unable to find an image with the id, {path.rpartition('/')[2]}"
        return self._wrapped({"error": error, "request": f"/3/{path}", "method": "GET"}, 404)

    @staticmethod
    def _wrapped(data: Json, status: int) -> web.Response:
        return web.json_response({"data": data, "success": status == 200, "status": status}, status=status)


class FlickrApi:
    """flickr's REST API: ``flickr.photos.getSizes`` (https://www.flickr.com/services/api)."""

    def __init__(self, records: dict[str, Json], api_key: str) -> None:
        self._records = records
        self._api_key = api_key

    def answer(self, request: web.Request) -> web.Response:
        """Answer one request; a failure is a 200 with a code, as flickr has it."""
        query = request.query
        if query.get("api_key") != self._api_key:
            return self._failed(100, "Invalid API Key (Key has invalid format)")
        if query.get("method") != "flickr.photos.getSizes":
            return self._failed(112, f'Method "{query.get("method", "")}" not found')
        record = self._records.get(query.get("photo_id", ""))
        return web.json_response(record) if record else self._failed(1, "Photo not found")

    @staticmethod
    def _failed(code: int, message: str) -> web.Response:
        return web.json_response({"stat": "fail", "code": code, "message": message})
