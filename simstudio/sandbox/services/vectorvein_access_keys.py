"""The endpoints of a local VectorVein that manage the access keys of VApps."""

from __future__ import annotations

from simstudio.sandbox.services.vectorvein_records import Body, Records, app, at


class AccessKeys(Records):
    """The endpoints of access keys."""

    @at("vapp/access-key/get")
    def _vapp_access_key_get(self, body: Body) -> list[Body]:
        records = self._records["access_keys"]
        if body["get_type"] == "all":
            return list(records.values())
        return [self._record("access_keys", key) for key in body["access_keys"].split(",")]

    @at("vapp/access-key/create")
    def _vapp_access_key_create(self, body: Body) -> list[Body]:
        return [self.add_access_key(body, self._id("ak")) for _ in range(body["count"])]

    def add_access_key(self, body: Body, key: str) -> Body:
        """Keep one access key."""
        apps = body.get("app_ids") or ([body["app_id"]] if "app_id" in body else [])
        record = {
            "access_key": key, "access_key_type": body["access_key_type"], "use_count": 0, "used_credits": 0,
            "max_use_count": body.get("max_use_count"), "max_credits": body.get("max_credits"),
            "v_app": app(apps[0]) if len(apps) == 1 else None, "v_apps": [app(each) for each in apps],
            "records": [], "status": "AC", "access_scope": "S" if len(apps) == 1 else "M",
            "description": body.get("description", ""), "create_time": self._now(),
            "expire_time": body.get("expire_time"), "last_use_time": None,
        }  # fmt: skip
        return self._records["access_keys"].setdefault(key, record)

    @at("vapp/access-key/list")
    def _vapp_access_key_list(self, body: Body) -> Body:
        def wanted(key: Body) -> bool:
            return (
                ("status" not in body or key["status"] in body["status"])
                and ("access_key_type" not in body or key["access_key_type"] == body["access_key_type"])
                and ("app_id" not in body or body["app_id"] in [app["app_id"] for app in key["v_apps"]])
            )

        page = self._page("access_keys", body, wanted)
        return {name: value for name, value in page.items() if name != "page_count"}

    @at("vapp/access-key/update")
    def _vapp_access_key_update(self, body: Body) -> None:
        for key in self._keys(body.get("access_keys") or [body["access_key"]]):
            apps = body.get("app_ids") or ([body["app_id"]] if "app_id" in body else None)
            if apps is not None:
                key["v_apps"] = [app(each) for each in apps]
            for name in ("expire_time", "max_use_count", "max_credits", "description", "access_key_type"):
                if name in body:
                    key[name] = body[name]

    @at("vapp/access-key/delete")
    def _vapp_access_key_delete(self, body: Body) -> None:
        for key in self._keys(body["access_keys"]):
            del self._records["access_keys"][key["access_key"]]

    @at("vapp/access-key/add-apps")
    def _vapp_access_key_add_apps(self, body: Body) -> None:
        for key in self._keys(body["access_keys"]):
            key["v_apps"] = [*key["v_apps"], *map(app, body["app_ids"])]

    @at("vapp/access-key/remove-apps")
    def _vapp_access_key_remove_apps(self, body: Body) -> None:
        for key in self._keys(body["access_keys"]):
            key["v_apps"] = [app for app in key["v_apps"] if app["app_id"] not in body["app_ids"]]
