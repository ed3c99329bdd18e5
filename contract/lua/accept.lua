-- ARGV: id, request (JSON), function name, hash of the idempotency key or '', fingerprint, seconds to remember the key
-- Returns {'accepted' | 'replayed' | 'conflict', job id}. Repeating it with the same id changes nothing.
local id, request, fn, key_hash, fingerprint, remember = unpack(ARGV)
if redis.call('EXISTS', job_key(id)) == 1 then return { 'accepted', id } end
if key_hash ~= '' then
  local known = redis.call('HMGET', idempotency_key(key_hash), 'fingerprint', 'id')
  if known[1] then return { known[1] == fingerprint and 'replayed' or 'conflict', known[2] } end
  redis.call('HSET', idempotency_key(key_hash), 'fingerprint', fingerprint, 'id', id)
  redis.call('PEXPIRE', idempotency_key(key_hash), math.floor(remember * 1000))
end
redis.call('SET', BEGUN, stamp, 'NX')
redis.call('HSET', job_key(id), 'id', id, 'status', 'queued', 'request', request, 'function', fn, 'created_at', stamp,
  'due_ms', now_ms, 'key_hash', key_hash, 'progress', 0)
redis.call('ZADD', QUEUE, now_ms, id)
redis.call('ZADD', JOBS, 0, id)
move(id, nil, 'queued')
count('submitted')
announce(id, 'queued')
wake()
return { 'accepted', id }
