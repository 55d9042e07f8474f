"""The parts of an estimate of a service's rate limit, one small value for each fact.

:class:`~simstudio.batch.tokens.bucket.Bucket` holds the tokens, :class:`~simstudio.batch.tokens.traffic.Traffic` the
requests that the service may not have counted yet, :class:`~simstudio.batch.tokens.other_users.OtherUsers` what others
take from the same bucket, :class:`~simstudio.batch.tokens.probe.Probe` whether the limit is enforced at all,
:class:`~simstudio.batch.tokens.hold.Hold` the pause after a refusal, and
:class:`~simstudio.batch.tokens.questions.Questions` when to ask the service. Time is an argument of all. An
:class:`~simstudio.batch.allowance.Allowance` puts them together.
"""
