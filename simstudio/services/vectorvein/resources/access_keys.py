"""``client.access_keys``: keys that open VApps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.services.vectorvein.errors import AccessKeyError
from simstudio.services.vectorvein.models.access_keys import AccessKey, AccessKeyListResponse
from simstudio.services.vectorvein.resource import VectorVeinResource, drop_none, identifier, invalid, texts
from simstudio.services.vectorvein.resources.pages import Pages

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow

_TYPES = ("O", "M", "L")
_AccessKeys = list[AccessKey]


class AccessKeys(VectorVeinResource[M]):
    """Access keys of VApps: create, get, list, update and delete."""

    _families = {403: AccessKeyError, 404: AccessKeyError}  # noqa: RUF012 - the base says ClassVar

    @operation
    def get(self, access_keys: str | Iterable[str] | None = None, get_type: str = "selected") -> Flow[_AccessKeys]:
        """Retrieve access keys.

        Args:
            access_keys: The keys to retrieve.
            get_type: ``selected`` for these keys, ``all`` for all keys of the account.

        Raises:
            AccessKeyError: A key does not exist (also a NotFoundError), or has expired (also a PermissionDeniedError).

        Example:
            >>> client.get_access_keys(["ACCESS_KEY_1", "ACCESS_KEY_2"])  # doctest: +SKIP
        """
        keys = None if access_keys is None else ",".join(texts(access_keys, "access_keys"))
        params = {"get_type": get_type, "access_keys": keys}
        envelope = yield from self._envelope("GET", "vapp/access-key/get", params=params, resend="read")
        return self._data(envelope, _AccessKeys)

    @operation
    def create(
        self,
        access_key_type: str,
        app_id: str | None = None,
        app_ids: str | Iterable[str] | None = None,
        count: int = 1,
        expire_time: str | None = None,
        max_credits: float | None = None,
        max_use_count: int | None = None,
        description: str | None = None,
    ) -> Flow[_AccessKeys]:
        """Create access keys.

        Args:
            access_key_type: ``O`` for a single use, ``M`` for many uses, ``L`` for long-term use. It can never be
                changed.
            app_id: The app that they open; or
            app_ids: the apps that they open.
            count: Number of keys.
            expire_time: Time when they expire.
            max_credits: Credits that each may spend.
            max_use_count: Uses of each.

        Raises:
            AccessKeyError: The app does not exist (also a NotFoundError); or the arguments cannot be sent (also an
                InvalidInputError).

        Example:
            >>> client.create_access_keys("L", app_id="YOUR_APP_ID", max_credits=500)  # doctest: +SKIP
        """
        if access_key_type not in _TYPES:
            raise invalid(
                f"Invalid access key type {access_key_type!r}: use 'O' (once), 'M' (many times) or 'L' (long-term).",
                AccessKeyError,
            )
        if app_id is not None and app_ids is not None:
            raise invalid("Cannot specify both app_id and app_ids.", AccessKeyError)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise invalid(f"count must be a whole number above 0, not {count!r}.", AccessKeyError)
        body = {"access_key_type": access_key_type, "count": count}
        options = drop_none(
            app_id=app_id,
            app_ids=None if app_ids is None else texts(app_ids, "app_ids"),
            expire_time=expire_time,
            max_credits=max_credits,
            max_use_count=max_use_count,
            description=description,
        )
        envelope = yield from self._write("vapp/access-key/create", {**body, **options})
        return self._data(envelope, _AccessKeys)

    @operation
    def list(
        self,
        page: int = 1,
        page_size: int = 10,
        sort_field: str = "create_time",
        sort_order: str = "descend",
        app_id: str | None = None,
        status: str | Iterable[str] | None = None,
        access_key_type: str | None = None,
    ) -> Flow[AccessKeyListResponse]:
        """List access keys, one page of them; :meth:`iterate` gives all.

        Args:
            page: Page number, from 1.
            page_size: Keys a page.
            sort_field: ``create_time``, ``use_count`` …
            sort_order: ``descend`` or ``ascend``.
            app_id: App that the keys open.
            status: States of the keys: ``AC`` valid, ``IN`` invalid, ``EX`` expired, ``US`` used.
            access_key_type: ``O``, ``M`` or ``L``.

        Example:
            >>> client.list_access_keys(status=["AC"]).access_keys  # doctest: +SKIP
        """
        return (yield from self._page(page, page_size, sort_field, sort_order, app_id, status, access_key_type))

    def iterate(
        self,
        *,
        page_size: int = 50,
        sort_field: str = "create_time",
        sort_order: str = "descend",
        app_id: str | None = None,
        status: str | Iterable[str] | None = None,
        access_key_type: str | None = None,
    ) -> Pages[AccessKey]:
        """All access keys, fetched page by page as they are iterated over (``async for`` on an async client).

        Args:
            page_size: Keys a page; each page is one of the 60 calls a minute.
            sort_field: As :meth:`list`.
            sort_order: As :meth:`list`.
            app_id: As :meth:`list`.
            status: As :meth:`list`.
            access_key_type: As :meth:`list`.

        Example:
            >>> [key.access_key for key in client.access_keys.iterate()]  # doctest: +SKIP
        """
        states = None if status is None else texts(status, "status")

        def fetch(page: int) -> Flow[AccessKeyListResponse]:
            return self._page(page, page_size, sort_field, sort_order, app_id, states, access_key_type)

        return Pages(self, fetch, "access_keys", page_size)

    @operation
    def update(
        self,
        access_key: str | None = None,
        access_keys: str | Iterable[str] | None = None,
        app_id: str | None = None,
        app_ids: str | Iterable[str] | None = None,
        expire_time: str | None = None,
        max_use_count: int | None = None,
        max_credits: float | None = None,
        description: str | None = None,
        access_key_type: str | None = None,
    ) -> Flow[None]:
        """Change access keys. Fields that are not given stay unchanged; an empty text clears one (``description=""``).

        Args:
            access_key: The key to change; or
            access_keys: the keys to change.
            app_id: The app that they open; or
            app_ids: the apps that they open.
            expire_time: Time when they expire.
            max_use_count: Uses of each.
            max_credits: Credits that each may spend.
            access_key_type: Sent as given, although VectorVein says that a type cannot be changed.

        Example:
            >>> client.update_access_keys(access_key="ACCESS_KEY", description="For the fair")  # doctest: +SKIP
        """
        body = drop_none(
            access_key=access_key,
            access_keys=None if access_keys is None else texts(access_keys, "access_keys"),
            app_id=app_id,
            app_ids=None if app_ids is None else texts(app_ids, "app_ids"),
            expire_time=expire_time,
            max_use_count=max_use_count,
            max_credits=max_credits,
            description=description,
            access_key_type=access_key_type,
        )
        yield from self._write("vapp/access-key/update", body)

    @operation
    def delete(self, app_id: str, access_keys: str | Iterable[str]) -> Flow[None]:
        """Delete access keys of an app.

        Example:
            >>> client.delete_access_keys("YOUR_APP_ID", ["ACCESS_KEY_1"])  # doctest: +SKIP
        """
        body = {"app_id": identifier(app_id, "app_id"), "access_keys": texts(access_keys, "access_keys")}
        yield from self._write("vapp/access-key/delete", body)

    @operation
    def add_apps(self, access_keys: str | Iterable[str], app_ids: str | Iterable[str]) -> Flow[None]:
        """Let access keys open further apps.

        Example:
            >>> client.add_apps_to_access_keys(["ACCESS_KEY_1"], ["APP_2"])  # doctest: +SKIP
        """
        body = {"access_keys": texts(access_keys, "access_keys"), "app_ids": texts(app_ids, "app_ids")}
        yield from self._write("vapp/access-key/add-apps", body)

    @operation
    def remove_apps(self, access_keys: str | Iterable[str], app_ids: str | Iterable[str]) -> Flow[None]:
        """Let access keys no longer open some apps.

        Example:
            >>> client.remove_apps_from_access_keys(["ACCESS_KEY_1"], ["APP_2"])  # doctest: +SKIP
        """
        body = {"access_keys": texts(access_keys, "access_keys"), "app_ids": texts(app_ids, "app_ids")}
        yield from self._write("vapp/access-key/remove-apps", body)

    def _page(
        self,
        page: int,
        page_size: int,
        sort_field: str,
        sort_order: str,
        app_id: str | None,
        status: str | Iterable[str] | None,
        access_key_type: str | None,
    ) -> Flow[AccessKeyListResponse]:
        options = drop_none(
            app_id=app_id,
            status=None if status is None else texts(status, "status"),
            access_key_type=access_key_type,
        )
        body = {"page": page, "page_size": page_size, "sort_field": sort_field, "sort_order": sort_order, **options}
        envelope = yield from self._read("vapp/access-key/list", body)
        return self._data(envelope, AccessKeyListResponse, access_keys=list)
