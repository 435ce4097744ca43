"""The protection of that form: asked of by nobody here, so it refuses."""


class CSRFProtect:
    def init_app(self, app):
        pass

    def protect(self):
        raise PermissionError("no form is served here")
