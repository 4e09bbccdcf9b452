-- What conversations hold now, in the predecessor's words (spec 11). Apart from 0190, which brings the words that these use.

CREATE OR REPLACE VIEW legacy.donation_keypad_state AS
  SELECT user_id, channel_id::text AS channel_id, CASE WHEN amount <> '' THEN amount ELSE trim_scale(price_usd)::text END AS current_amount,
         CASE WHEN amount <> '' THEN position('.' IN amount) > 0 ELSE price_usd <> trunc(price_usd) END AS decimal_entered,
         CASE status WHEN 'writing_message' THEN 'text_input' WHEN 'typing_amount' THEN 'keypad_input' ELSE 'awaiting_confirmation' END AS state_type,
         created_at, updated_at
  FROM conversation WHERE tier = -1 AND status IN ('offered', 'typing_amount', 'writing_message', 'ordering');

CREATE OR REPLACE VIEW legacy.conversation_state AS
  SELECT c.user_id, CASE WHEN c.status IN ('opening', 'editing', 'entering', 'finding', 'verifying', 'saving', 'settling') THEN 'database'
                         WHEN c.status IN ('addressing', 'writing_post', 'confirming_post', 'claiming_post', 'posting') THEN 'broadcast'
                         WHEN c.tier = -1 THEN 'donation' WHEN c.order_id <> '' THEN 'payment' ELSE 'menu' END AS conversation_type,
         jsonb_build_object('status', c.status, 'channel_id', c.channel_id, 'channel_title', c.channel_title, 'tier', c.tier, 'price_usd',
                            trim_scale(c.price_usd)::text, 'days', c.days, 'order_id', c.order_id, 'amount', c.amount, 'field', c.field,
                            'editing', CASE WHEN d.open THEN d.open_channel_id END) AS state_data,
         c.created_at, c.updated_at
  FROM conversation c LEFT JOIN channel_draft d ON d.conversation_id = c.id;
