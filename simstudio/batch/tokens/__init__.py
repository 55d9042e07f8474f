"""What is believed about a service's rate limit, in parts: each a small value that knows one thing.

:class:`~simstudio.batch.tokens.bucket.Bucket` holds the tokens, :class:`~simstudio.batch.tokens.traffic.Traffic` the
requests that the service may not have counted yet, :class:`~simstudio.batch.tokens.other_users.OtherUsers` what others
take from the same bucket, :class:`~simstudio.batch.tokens.probe.Probe` whether the limit is enforced at all,
:class:`~simstudio.batch.tokens.hold.Hold` the pause after a refusal, and
:class:`~simstudio.batch.tokens.questions.Questions` when to ask the service. All are pure: time is an argument. An
:class:`~simstudio.batch.allowance.Allowance` puts them together.
"""
