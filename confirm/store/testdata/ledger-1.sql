-- A ledger as the first version of the schema kept it, made by that version: one change that was applied, and
-- one that waits for a second person.

CREATE TABLE schema_version (version BIGINT NOT NULL);
INSERT INTO schema_version (version) VALUES (1);
CREATE TABLE change (
  id        TEXT PRIMARY KEY,
  code      TEXT NOT NULL,
  operation TEXT NOT NULL,
  target    TEXT NOT NULL,
  digest    TEXT NOT NULL,
  requester TEXT NOT NULL,
  via       TEXT NOT NULL,
  created   BIGINT NOT NULL,
  expires   BIGINT NOT NULL,
  state     TEXT NOT NULL,
  settled   BIGINT NOT NULL,
  version   BIGINT NOT NULL,
  round     BIGINT NOT NULL,
  outcome   TEXT NOT NULL,
  owner     TEXT NOT NULL,
  lease     BIGINT NOT NULL,
  updated   BIGINT NOT NULL
);

-- The few changes that are looked for all the time. No index has a column in it that the moves of an open
-- change alter: they rewrite a small row, and nothing else.
CREATE INDEX change_unsettled ON change (created) WHERE settled = 0;

-- What was fixed when the change was proposed, and can be long.
CREATE TABLE proposal (change_id TEXT PRIMARY KEY, proposed TEXT NOT NULL);

-- version is that of the change after the move which recorded the decision.
CREATE TABLE decision (
  change_id TEXT NOT NULL,
  person    TEXT NOT NULL,
  version   BIGINT NOT NULL,
  decision  TEXT NOT NULL,
  PRIMARY KEY (change_id, person)
);

-- Where faces have put a change to people, so that they can rewrite it there.
CREATE TABLE notice (
  change_id TEXT NOT NULL,
  channel   TEXT NOT NULL,
  kind      TEXT NOT NULL,
  message   TEXT NOT NULL,
  version   BIGINT NOT NULL,
  reminded  BIGINT NOT NULL,
  PRIMARY KEY (change_id, channel, kind)
);

CREATE TABLE lease (
  name  TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until BIGINT NOT NULL
);

-- A row of the log for each transaction: entry n and those after it, one to a line; on the same lines of
-- hashes, what each of them completes in the tree; and the signed head after the last.
CREATE TABLE audit (
  n          BIGINT PRIMARY KEY,
  lines      TEXT NOT NULL,
  hashes     TEXT NOT NULL,
  checkpoint TEXT NOT NULL
);

-- The lock on the one row of audit_head is what puts appenders in order, and that of budget, takers.
CREATE TABLE audit_head (one BIGINT PRIMARY KEY, n BIGINT NOT NULL, edge TEXT NOT NULL);

CREATE TABLE budget (one BIGINT PRIMARY KEY, taken BIGINT NOT NULL, paused BIGINT NOT NULL);
CREATE TABLE budget_call (n BIGINT PRIMARY KEY, at BIGINT NOT NULL);
INSERT INTO change (id, code, operation, target, digest, requester, via, created, expires, state, settled, version, round, outcome, owner, lease, updated) VALUES ('01M80MPT8HDTY1ZKCWMW43ABQJ', 'CODE7', 'add_scan', 'tenant-a', 'sha256:f9536af24cf8a5c32ad1306ac6d2d487c5b1b52c5f2c891588618a387d25dd59', 'slack:T1/U1', 'Slack', 1795262400000000, 1795263300000000, 'applied', 1, 3, 0, '{"state":"applied","reason":"it was applied","scans":[{"id":"7"}]}', 'me', 1795262525000000, 1795262580000000);
INSERT INTO change (id, code, operation, target, digest, requester, via, created, expires, state, settled, version, round, outcome, owner, lease, updated) VALUES ('01M80MPT8JPSA7F0REH5J844Y4', 'CODE7', 'add_scan', 'tenant-a', 'sha256:f9536af24cf8a5c32ad1306ac6d2d487c5b1b52c5f2c891588618a387d25dd59', 'slack:T1/U1', 'Slack', 1795262400000000, 1795263300000000, 'pending', 0, 1, 0, '', '', 0, 1795262400000000);
INSERT INTO proposal (change_id, proposed) VALUES ('01M80MPT8HDTY1ZKCWMW43ABQJ', '{"summary":"Add the scan “core \u003cswitches\u003e \u0026 routers”.","method":"POST","path":"/api/DeviceAuthenticatedScanDefinitions","body":"{ \"scanName\": \"core \u003cswitches\u003e \u0026 routers\",\n \"target\": \"10.0.0.0/24\" }","subjects":[{"title":"core","fields":[{"name":"target","after":"10.0.0.0/24"}]}],"warnings":["the scanner was last seen 9 days ago"],"snapshot":"[ {\"id\":\"1\"} ]\n","local":false,"channels":["slack","page"],"needed":1,"created":"2026-11-21T12:00:00Z","expires":"2026-11-21T12:15:00Z"}');
INSERT INTO proposal (change_id, proposed) VALUES ('01M80MPT8JPSA7F0REH5J844Y4', '{"summary":"Add the scan “core \u003cswitches\u003e \u0026 routers”.","method":"POST","path":"/api/DeviceAuthenticatedScanDefinitions","body":"{ \"scanName\": \"core \u003cswitches\u003e \u0026 routers\",\n \"target\": \"10.0.0.0/24\" }","subjects":[{"title":"core","fields":[{"name":"target","after":"10.0.0.0/24"}]}],"warnings":["the scanner was last seen 9 days ago"],"snapshot":"[ {\"id\":\"1\"} ]\n","local":false,"channels":["slack","page"],"needed":2,"created":"2026-11-21T12:00:00Z","expires":"2026-11-21T12:15:00Z"}');
INSERT INTO decision (change_id, person, version, decision) VALUES ('01M80MPT8HDTY1ZKCWMW43ABQJ', 'ada', 1, '{"person":"ada","principal":"slack:T1/ada","name":"Ms ada","approve":true,"channel":"slack","at":"2026-11-21T12:01:00Z"}');
INSERT INTO decision (change_id, person, version, decision) VALUES ('01M80MPT8JPSA7F0REH5J844Y4', 'bob', 1, '{"person":"bob","principal":"slack:T1/bob","name":"Ms bob","approve":true,"channel":"slack","at":"2026-11-21T12:01:00Z"}');
INSERT INTO audit (n, lines, hashes, checkpoint) VALUES (0, '{"n":0,"time":"2026-11-21T12:00:00Z","event":"proposed","change":"01M80MPT8HDTY1ZKCWMW43ABQJ","version":0,"operation":"add_scan","target":"tenant-a","digest":"sha256:f9536af24cf8a5c32ad1306ac6d2d487c5b1b52c5f2c891588618a387d25dd59","to":"pending","requester":"slack:T1/U1","via":"Slack","proposed":{"summary":"Add the scan “core \u003cswitches\u003e \u0026 routers”.","method":"POST","path":"/api/DeviceAuthenticatedScanDefinitions","body":"{ \"scanName\": \"core \u003cswitches\u003e \u0026 routers\",\n \"target\": \"10.0.0.0/24\" }","subjects":[{"title":"core","fields":[{"name":"target","after":"10.0.0.0/24"}]}],"warnings":["the scanner was last seen 9 days ago"],"snapshot":"[ {\"id\":\"1\"} ]\n","local":false,"channels":["slack","page"],"needed":1,"created":"2026-11-21T12:00:00Z","expires":"2026-11-21T12:15:00Z"}}', 'kWaFQP1OWqdHzogjBJb9FtMn2VfMizxK8XUu8sCbUAM=', 'scanwarden-audit
1
kWaFQP1OWqdHzogjBJb9FtMn2VfMizxK8XUu8sCbUAM=

— scanwarden-audit APhF6gkKIaZzx/K8lKVPN6T0JqcEqXWSZ3TIlPTKW2NUZwasmfiznIC4wC+cCFC3QQDEZO4tI9UkNFiKqkR5xSbI8AY=
');
INSERT INTO audit (n, lines, hashes, checkpoint) VALUES (1, '{"n":1,"time":"2026-11-21T12:01:00Z","event":"approved","change":"01M80MPT8HDTY1ZKCWMW43ABQJ","version":1,"operation":"add_scan","target":"tenant-a","digest":"sha256:f9536af24cf8a5c32ad1306ac6d2d487c5b1b52c5f2c891588618a387d25dd59","from":"pending","to":"approved","requester":"slack:T1/U1","via":"Slack","decision":{"person":"ada","principal":"slack:T1/ada","name":"Ms ada","approve":true,"channel":"slack","at":"2026-11-21T12:01:00Z"}}', 'gPQZ7TxmAo8iOJw4THrmNOamGUw9Hg02Kvz7PEMNTS8= 7h4SO6k9E9sW3SX8zCK8Qn6Z+hwPvSWQMKZCBD1aZmE=', 'scanwarden-audit
2
7h4SO6k9E9sW3SX8zCK8Qn6Z+hwPvSWQMKZCBD1aZmE=

— scanwarden-audit APhF6uGaNCzqJePGnkVjmfOJW5elid1dsXtP/EsmU2kQb/OysZAC9iskBpCpSPhHVnbzfzCXasCikSVYLNg5bmIG1wk=
');
INSERT INTO audit (n, lines, hashes, checkpoint) VALUES (2, '{"n":2,"time":"2026-11-21T12:02:00Z","event":"executing","change":"01M80MPT8HDTY1ZKCWMW43ABQJ","version":2,"operation":"add_scan","target":"tenant-a","digest":"sha256:f9536af24cf8a5c32ad1306ac6d2d487c5b1b52c5f2c891588618a387d25dd59","from":"approved","to":"executing","requester":"slack:T1/U1","via":"Slack","owner":"me"}', 'kHDGAgH5XDsvLmnISYgq3JggDquCZYr1OBGS+43Z60Y=', 'scanwarden-audit
3
CWRU6zlBypWkbEo4SpFnpE1YtGGJ9rtd8n6NjXv4Q78=

— scanwarden-audit APhF6gh7mFuiPvtNsmrESKUg6W0XiwZ48vzFn0gfU0vc/0cuVO5pDa157pAr2RNtcJiT2GgQyx+Rwk/D9VVlXkqj3gE=
');
INSERT INTO audit (n, lines, hashes, checkpoint) VALUES (3, '{"n":3,"time":"2026-11-21T12:03:00Z","event":"applied","change":"01M80MPT8HDTY1ZKCWMW43ABQJ","version":3,"operation":"add_scan","target":"tenant-a","digest":"sha256:f9536af24cf8a5c32ad1306ac6d2d487c5b1b52c5f2c891588618a387d25dd59","from":"executing","to":"applied","requester":"slack:T1/U1","via":"Slack","outcome":{"state":"applied","reason":"it was applied","scans":[{"id":"7"}]}}', 'TfGXMF4WrdEK5atcKFZ+GFI1z6ToeFc3Ylu/v/2vAus= RaiRkDBE/Hd/yLBFge6/BpPdS7h2axvIaQezQpcUWRQ= 66ASI9axMuc5KPtfIY6WbqedPTqP7j6k7NhAMBgj5Hw=', 'scanwarden-audit
4
66ASI9axMuc5KPtfIY6WbqedPTqP7j6k7NhAMBgj5Hw=

— scanwarden-audit APhF6oLSxC5Pw3fZu4t6jkh1HxEwDZb8uVqmRaWZK3NeFS02Fx8Qvf9W8e2BkEcRYDHICm+cEDqidaovAefIhICrvAM=
');
INSERT INTO audit (n, lines, hashes, checkpoint) VALUES (4, '{"n":4,"time":"2026-11-21T12:00:00Z","event":"proposed","change":"01M80MPT8JPSA7F0REH5J844Y4","version":0,"operation":"add_scan","target":"tenant-a","digest":"sha256:f9536af24cf8a5c32ad1306ac6d2d487c5b1b52c5f2c891588618a387d25dd59","to":"pending","requester":"slack:T1/U1","via":"Slack","proposed":{"summary":"Add the scan “core \u003cswitches\u003e \u0026 routers”.","method":"POST","path":"/api/DeviceAuthenticatedScanDefinitions","body":"{ \"scanName\": \"core \u003cswitches\u003e \u0026 routers\",\n \"target\": \"10.0.0.0/24\" }","subjects":[{"title":"core","fields":[{"name":"target","after":"10.0.0.0/24"}]}],"warnings":["the scanner was last seen 9 days ago"],"snapshot":"[ {\"id\":\"1\"} ]\n","local":false,"channels":["slack","page"],"needed":2,"created":"2026-11-21T12:00:00Z","expires":"2026-11-21T12:15:00Z"}}', 'ctemYp9ErBCQSmWJTgqTqKkHqI6WfSHP5o/qyb21jcs=', 'scanwarden-audit
5
hTqEe0LXxHqZgZCGa1w9I2XYabjCCqax51R1lqvYKKA=

— scanwarden-audit APhF6nV01OQHRWwW6VW/kIo5hD8HowHaErtqA65+3p7fcHJ0asR9JyPsNY7ZbtPSqTniLqfx1kV6w0zhavp5m26yGQc=
');
INSERT INTO audit (n, lines, hashes, checkpoint) VALUES (5, '{"n":5,"time":"2026-11-21T12:00:00Z","event":"vote","change":"01M80MPT8JPSA7F0REH5J844Y4","version":1,"operation":"add_scan","target":"tenant-a","digest":"sha256:f9536af24cf8a5c32ad1306ac6d2d487c5b1b52c5f2c891588618a387d25dd59","from":"pending","to":"pending","requester":"slack:T1/U1","via":"Slack","decision":{"person":"bob","principal":"slack:T1/bob","name":"Ms bob","approve":true,"channel":"slack","at":"2026-11-21T12:01:00Z"}}', 'Er+ZrDwVpwYQKaxBLPt9ZnAnbswIxy7vDZIIaKcSrpM= LFaazJKLkfTMCrk61dQ7+PZJPecmp98Ali6KenyHmlA=', 'scanwarden-audit
6
RTqR1TktD4fpGW801DfIHUVqxaUuCR0zbupraOgOrNo=

— scanwarden-audit APhF6oQh2MSq1e0vgmTqnhFz07MKpc59I2nrsPj29Xu2D0pLTsVUU/8ZGRon8ybf4hDz8EA1OesXghoG7TcqPWp+0Q8=
');
INSERT INTO audit_head (one, n, edge) VALUES (1, 6, '66ASI9axMuc5KPtfIY6WbqedPTqP7j6k7NhAMBgj5Hw= LFaazJKLkfTMCrk61dQ7+PZJPecmp98Ali6KenyHmlA=');
INSERT INTO budget (one, taken, paused) VALUES (1, 0, 0);
