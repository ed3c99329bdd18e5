-- ARGV: id
-- Returns 'cancelled' (it waited and has ended), 'requested' (its worker will end it), 'ended' or 'unknown'.
local id = ARGV[1]
local status = redis.call('HGET', job_key(id), 'status')
if not status then return 'unknown' end
if status == 'queued' then
  close(id, 'queued', 'cancelled')
  return 'cancelled'
end
if status == 'in_progress' then
  redis.call('HSET', job_key(id), 'cancel_requested', 1)
  redis.call('PUBLISH', CANCELS, id)
  announce(id, 'in_progress')
  return 'requested'
end
return 'ended'
